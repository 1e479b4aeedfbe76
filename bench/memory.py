"""Work in a process of its own: how fast it is, and the most memory that it held."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from importlib import import_module
from typing import Any

from bench.cpu import peak_megabytes
from bench.place import ROOT


def measured_apart(module: str, function: str, count: int) -> dict[str, float]:
    """`{"rate", "megabytes"}` of a function of a module that is told a count and answers with one."""
    done = subprocess.run(  # noqa: S603 - our own module, in our own Python
        [sys.executable, "-m", "bench.memory", module, function, str(count)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        check=True,
    )
    told: dict[str, float] = json.loads(done.stdout)
    return told


def _measure(module: str, function: str, count: int) -> dict[str, float]:
    work: Any = getattr(import_module(module), function)
    began = time.process_time()
    done = work(count)
    assert done == count, f"{done} of {count}"
    return {"rate": done / (time.process_time() - began), "megabytes": peak_megabytes(os.getpid())}


if __name__ == "__main__":
    sys.stdout.write(json.dumps(_measure(sys.argv[1], sys.argv[2], int(sys.argv[3]))))
