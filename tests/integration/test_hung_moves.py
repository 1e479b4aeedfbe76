"""A move that hangs on a mount carries off the next file of that name, and that one is read nevertheless."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest

from nostro.ingress import files
from tests.dispatch_world import Killed
from tests.integration.test_hung_folders import answered, answers, looks, watch  # noqa: F401 - fixtures
from tests.integration.watched_folder import LINE, Watch, watcher

pytestmark = pytest.mark.asyncio
NEXT = b'{"payout": "po_2"}\n{"payout": "po_3"}'
BOTH = [("camt.jsonl", len(LINE)), ("camt.jsonl", len(NEXT))]


def hang(monkeypatch: pytest.MonkeyPatch, answers: threading.Event) -> None:  # noqa: F811 - the fixture's value
    """The first file that is moved away is under way when the mount goes away."""
    really, times = Path.rename, [0]

    def hanging(self: Path, target: Path) -> Path:
        if self.name == "camt.jsonl":
            times[0] += 1
            if times[0] == 1:
                answers.wait(20)
        return really(self, target)

    monkeypatch.setattr(Path, "rename", hanging)


def refuse(*_: object) -> None:
    raise PermissionError(1, "Operation not permitted")


def deliver(watch: Watch) -> None:  # noqa: F811 - the fixture's value
    """The bank's next file under the same name."""
    new = watch.folder / ".upload"
    new.write_bytes(NEXT)
    new.replace(watch.folder / "camt.jsonl")


@pytest.mark.parametrize("links", [True, False], ids=["with_links", "without"])
async def test_a_file_that_came_while_the_move_of_the_one_before_it_hung_is_read(
    watch: Watch,  # noqa: F811 - the fixture's value
    answers: threading.Event,  # noqa: F811 - the fixture's value
    monkeypatch: pytest.MonkeyPatch,
    *,
    links: bool,
) -> None:
    if not links:
        monkeypatch.setattr(os, "link", refuse)
    hang(monkeypatch, answers)
    (watch.folder / "camt.jsonl").write_bytes(LINE)
    assert await looks(watch, 4) == 1
    deliver(watch)
    await answered(answers)
    assert await looks(watch, 3) == 1
    assert await watch.kept() == BOTH
    assert watch.taken() == ["camt.jsonl"]
    assert [path.name for path in watch.folder.iterdir()] == ["taken"]


async def test_so_it_is_when_the_worker_dies_before_it_has_looked_what_it_moved(
    watch: Watch,  # noqa: F811 - the fixture's value
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    (watch.folder / "camt.jsonl").write_bytes(LINE)
    really = Path.rename

    def late(self: Path, target: Path) -> Path:
        deliver(watch)
        really(self, target)
        raise Killed

    with monkeypatch.context() as meanwhile:
        meanwhile.setattr(Path, "rename", late)
        with pytest.raises(Killed):
            await looks(watch, 2)
    assert not (watch.folder / "camt.jsonl").exists()
    watch.folders = watcher(watch.house)
    assert await looks(watch, 3) == 1
    assert await watch.kept() == BOTH
    assert watch.taken() == ["camt.jsonl"]
    assert "file_left_moving" in capsys.readouterr().out


async def test_what_can_not_be_moved_and_not_have_its_name_back_is_read_twice_at_most(
    watch: Watch,  # noqa: F811 - the fixture's value
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(os, "link", refuse)
    monkeypatch.setattr(files, "_archive", refuse)
    (watch.folder / "camt.jsonl").write_bytes(LINE)
    assert await looks(watch, 8) == 2
    assert await watch.kept() == BOTH[:1]
