"""Calls that may never be answered: bounded, told, and no hindrance to whoever wants to end."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from nostro.ingress import mounts
from nostro.ingress.mounts import MOST, Mount

pytestmark = pytest.mark.asyncio
ENDING = """
import asyncio, time
from pathlib import Path
from nostro.ingress import mounts
mounts.ANSWER_SECONDS = 0.1
asyncio.run(mounts.Mount().ask(Path("a"), time.sleep, 60))
"""


@pytest.fixture
def answers(monkeypatch: pytest.MonkeyPatch) -> Iterator[threading.Event]:
    monkeypatch.setattr(mounts, "ANSWER_SECONDS", 0.2)
    event = threading.Event()
    yield event
    event.set()


async def test_what_is_answered_is_returned_or_raised(answers: threading.Event) -> None:
    answers.set()
    mount, there = Mount(), Path("a")
    assert await mount.ask(there, len, "abc") == 3
    with pytest.raises(ZeroDivisionError):
        await mount.ask(there, divmod, 1, 0)
    assert [piece async for piece in mount.each(there, iter("abc"))] == ["a", "b", "c"]
    assert mount.unanswered == 0


async def test_a_path_without_an_answer_is_not_asked_again_until_there_is_one(answers: threading.Event) -> None:
    mount, there = Mount(), Path("a")
    before = threading.active_count()
    for _ in range(3):
        with pytest.raises(TimeoutError, match="no answer for 0 s"):
            await mount.ask(there, answers.wait)
    assert threading.active_count() == before + 1
    assert await mount.ask(Path("b"), len, "abc") == 3, "others are"
    answers.set()
    while mount.why_not(there):  # noqa: ASYNC110 - a thread's end sets no event
        await asyncio.sleep(0.01)
    assert await mount.ask(there, len, "abc") == 3


async def test_where_many_paths_have_no_answer_no_other_is_asked(answers: threading.Event) -> None:
    mount = Mount()
    for n in range(MOST):
        assert mount.why_not(Path("other")) is None
        with pytest.raises(TimeoutError):
            await mount.ask(Path(str(n)), answers.wait)
    assert mount.why_not(Path("other")) is not None


async def test_who_is_cancelled_while_he_waits_ends_and_the_path_is_not_asked_meanwhile(
    answers: threading.Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mounts, "ANSWER_SECONDS", 30)
    mount = Mount()
    asking = asyncio.create_task(mount.ask(Path("a"), answers.wait))
    await asyncio.sleep(0.05)
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
    assert mount.unanswered == 1


async def test_a_process_ends_though_a_call_has_no_answer() -> None:
    ended = subprocess.run([sys.executable, "-c", ENDING], capture_output=True, timeout=20, check=False)  # noqa: ASYNC221 - our own text
    assert b"TimeoutError" in ended.stderr
