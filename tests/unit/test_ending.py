"""How a command ends that was asked to: wherever the signal finds it, and whatever it waits for."""

from __future__ import annotations

import asyncio
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from nostro.runtime import spans
from nostro.runtime.cli import Terminated
from nostro.runtime.cli_run import SIGNALS, _signals
from nostro.runtime.interrupt import CommandInterrupt

FRAME = """
import asyncio, os, signal, sys, threading, time
from pathlib import Path
from nostro.runtime import cli, cli_app, interrupt, telemetry
from nostro.runtime.cli_frame import Frame, ending
from nostro.runtime.output import Output

def ended(command):
    return ending(Frame(Path("landscape"), Output(json=False), lasting=True), command)
"""
AT_A_TURN = """
def asked(frame, event, _):
    if event == "call" and frame.f_code.co_name == "_run" and frame.f_code.co_filename.endswith("asyncio/events.py"):
        sys.setprofile(None)
        signal.raise_signal(getattr(signal, sys.argv[1]))

async def command():
    sys.setprofile(asked)
    await asyncio.sleep(0)
    await asyncio.sleep(20)

sys.exit(ended(command))
"""
AT_A_PROMPT = """
async def command():
    read, _ = os.pipe()
    signal.setitimer(signal.ITIMER_REAL, 0.5)
    signal.signal(signal.SIGALRM, lambda *_: signal.raise_signal(signal.SIGINT))
    os.read(read, 1)

sys.exit(ended(command))
"""
IN_A_LIBRARY = """
class Lock:
    async def __aenter__(self):
        self.taken = True

    async def __aexit__(self, *_):
        signal.raise_signal(signal.SIGINT)
        self.taken = False

async def command():
    lock = Lock()
    try:
        async with lock:
            await asyncio.sleep(0)
        await asyncio.sleep(20)
    finally:
        sys.stderr.write(f"{lock.taken} ")

sys.exit(ended(command))
"""
IN_A_THREAD = """
async def command():
    asyncio.get_running_loop().call_later(0.1, signal.raise_signal, signal.SIGTERM)
    await asyncio.to_thread(time.sleep, 40)

sys.argv[1:] = ["worker"]
cli_app.run = lambda: sys.exit(ended(command))
cli.main()
"""
DEAF = """
async def command():
    asyncio.get_running_loop().call_later(0.1, signal.raise_signal, signal.SIGTERM)
    while True:
        try:
            await asyncio.sleep(40)
        except asyncio.CancelledError:
            pass

sys.argv[1:] = ["worker"]
cli.ENDING_SECONDS = cli.TELLING_SECONDS = 1
interrupt.LATE_SECONDS = 0.2
telemetry.configure_logs()
cli_app.run = lambda: sys.exit(ended(command))
cli.main()
"""

HELD_UP = """
from nostro.runtime import cli_run

async def command():
    read, _ = os.pipe()
    with cli_run._signals(interrupt.CommandInterrupt()):
        told.start()
        os.read(read, 1)

def tell():
    for word in sys.argv[2:]:
        os.kill(os.getpid(), getattr(signal, word))
        time.sleep(0.2)

told = threading.Timer(0.1, tell)
sys.argv[1:1] = ["worker"]
cli.ENDING_SECONDS = 1
cli_app.run = lambda: sys.exit(ended(command))
cli.main()
"""


def ended(script: str, *words: str) -> tuple[int, str, float]:
    """The exit code, what was said, and how many seconds it took. Raises when it takes more than 20."""
    began = time.monotonic()
    command = (sys.executable, "-c", FRAME + script, *words)
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=20)
    return done.returncode, done.stderr, time.monotonic() - began


@pytest.mark.parametrize("by, code", [("SIGINT", 130), ("SIGTERM", 0)])
def test_a_signal_in_the_loops_own_code_ends_the_command_whose_turn_it_was(by: str, code: int) -> None:
    """Raised there, it would take the turn with it: neither the command nor its cancelling would ever go on."""
    assert ended(AT_A_TURN, by)[:2] == (code, "Interrupted.\n")


def test_what_waits_for_a_person_is_cut_although_the_loop_has_no_turn() -> None:
    code, said, seconds = ended(AT_A_PROMPT)
    assert (code, said) == (130, "Interrupted.\n")
    assert seconds < 15


def test_a_signal_in_a_library_leaves_nothing_half_done_there() -> None:
    """A lock that was never given back would be waited for when all is closed."""
    assert ended(IN_A_LIBRARY)[:2] == (130, "False Interrupted.\n")


def test_a_call_that_hangs_in_a_thread_holds_up_no_end() -> None:
    code, said, seconds = ended(IN_A_THREAD)
    assert (code, said) == (0, "Interrupted.\n")
    assert seconds < 15


def test_what_does_not_end_is_cut_and_tells_where_it_is() -> None:
    code, said, _ = ended(DEAF)
    assert code == 1
    assert "Timeout" in said
    assert "interrupt.py" in said
    assert re.search(r"<string>:\d+ command.*tasks.py:\d+ sleep.*ending_late", said)


@pytest.mark.parametrize("by", ["SIGINT", "SIGTERM"])
def test_a_signal_limits_the_end_although_something_holds_the_loop_up(by: str) -> None:
    code, said, _ = ended(HELD_UP, by)
    assert code == 1
    assert "Timeout" in said


def test_a_second_signal_ends_a_process_at_once_although_something_holds_the_loop_up() -> None:
    assert ended(HELD_UP, "SIGTERM", "SIGINT")[:2] == (-signal.SIGINT, "")


def test_what_does_not_end_is_cut_where_nobody_takes_what_it_says() -> None:
    filled = 'sys.stderr.flush(); os.set_blocking(2, False)\ntry:\n    while os.write(2, b"x" * 65536):\n        pass\n'
    filled += "except BlockingIOError:\n    os.set_blocking(2, True)\n"
    with subprocess.Popen((sys.executable, "-c", FRAME + filled + DEAF), stderr=subprocess.PIPE) as process:
        assert process.wait(timeout=20) == -signal.SIGALRM


@contextmanager
def handlers_kept() -> Iterator[None]:
    """Whatever hears signals now hears them afterwards."""
    before = {number: signal.getsignal(number) for number in SIGNALS}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@pytest.mark.asyncio
async def test_after_the_first_signal_the_system_itself_ends_the_process_by_the_next() -> None:
    with handlers_kept(), _signals(CommandInterrupt()) as (stop, heard):
        signal.raise_signal(signal.SIGINT)
        await asyncio.wait_for(stop.wait(), 5)
        assert heard == [signal.SIGINT]
        assert [signal.getsignal(number) for number in SIGNALS] == [signal.SIG_DFL] * 2


@pytest.mark.asyncio
async def test_a_signal_that_somebody_kept_to_himself_at_the_start_is_heard_when_the_work_would_begin() -> None:
    starting = CommandInterrupt()
    starting.came = signal.SIGTERM
    with handlers_kept(), pytest.raises(Terminated), _signals(starting):
        pass


def test_spans_that_nobody_takes_hold_up_no_end(monkeypatch: pytest.MonkeyPatch) -> None:
    taken = threading.Event()

    class Stuck:
        @classmethod
        def over_http(cls) -> Stuck:
            return cls()

        def close(self) -> None:
            taken.wait(30)

    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:9")
    monkeypatch.setattr("nostro.runtime.otlp.Exported", Stuck)
    began = time.monotonic()
    with spans.exporting():
        pass
    taken.set()
    assert time.monotonic() - began < 10


def test_who_is_run_by_python_is_asked_whether_a_signal_came() -> None:
    """One that came while a library was imported may have been kept by it: asked is whoever heard it, by his class."""
    told = """
import contextlib, runpy, signal, sys
sys.argv = ["nostro", "--version"]
with contextlib.suppress(SystemExit):
    runpy.run_module("nostro.runtime.cli", run_name="__main__")
from nostro.runtime.cli import Interrupt
assert isinstance(signal.getsignal(signal.SIGTERM), Interrupt), signal.getsignal(signal.SIGTERM)
"""
    subprocess.run([sys.executable, "-c", told], check=True, timeout=60)
