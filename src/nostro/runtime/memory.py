"""The collector of reference cycles, told what it needn't look at."""

from __future__ import annotations

import gc

YOUNG = 20_000
"""New containers before the collector looks at them; a batch of decisions makes some ten thousand."""


def settle_memory() -> None:
    """What stands when a process is wired (modules, models, machines) stays until its end: it is never looked at again.

    A full look at it takes some 50 milliseconds, in which nobody is answered and no step goes on; under load it came
    every few thousand requests. What is made and let go within a batch isn't looked at either, so young ones are looked
    at less often.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(YOUNG, 20, 20)
