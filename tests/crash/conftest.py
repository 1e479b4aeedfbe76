"""What crash tests need of their own process."""

from __future__ import annotations

import signal

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    # Begun in the background by a shell: the parts would inherit it, and no Ctrl-C would reach one that starts.
    signal.signal(signal.SIGINT, signal.default_int_handler)
