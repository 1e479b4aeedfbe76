"""Anchors outside the database: one place's trouble is not another's, and a cut line is not the next one's."""

from __future__ import annotations

import asyncio
import smtplib
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import NoReturn

import pytest

from nostro.egress import anchors as places
from nostro.egress.anchors import FILE, Anchors, CommandAnchor, FolderAnchor, MailAnchor
from nostro.model.failures import OutOfService
from nostro.store.audit import Anchor
from nostro.store.quarantine import Newest

AT = datetime(2026, 8, 31, tzinfo=UTC)
FIRST, SECOND = Anchor(1, b"\x01" * 32, 1), Anchor(2, b"\x02" * 32, 1)


def test_a_place_that_refuses_keeps_no_other_from_its_anchor(tmp_path: Path) -> None:
    in_the_way = tmp_path / "file"
    in_the_way.write_bytes(b"")
    anchors = Anchors([FolderAnchor(in_the_way), FolderAnchor(tmp_path / "folder")])
    anchors.folders[1].begin()
    with pytest.raises(OutOfService, match=r"file/anchors.jsonl: Not a directory\.") as refused:
        asyncio.run(anchors.put(FIRST, AT))
    assert refused.value.runbook == "anchor-failed"
    assert FolderAnchor(tmp_path / "folder").read() == [FIRST]


def test_nothing_is_made_in_the_place_of_a_folder_that_is_away(tmp_path: Path) -> None:
    """What is mounted elsewhere leaves an empty folder behind."""
    anchors = Anchors([FolderAnchor(tmp_path), FolderAnchor(tmp_path / "deeper")])
    assert anchors.missing() == [tmp_path / FILE, tmp_path / "deeper" / FILE]
    with pytest.raises(OutOfService, match=r"anchors.jsonl: No such file or directory\."):
        asyncio.run(anchors.put(FIRST, AT))
    assert list(tmp_path.iterdir()) == []
    for place in anchors.folders:
        place.begin()
    asyncio.run(anchors.put(FIRST, AT))
    anchors.folders[0].begin()
    assert anchors.missing() == []
    assert anchors.readable() == [FIRST, FIRST]


@pytest.mark.parametrize(
    "place, sentence",
    [
        (CommandAnchor(["no-such-command", "s3cret"]), "no-such-command can't be begun (No such file or directory)."),
        (CommandAnchor(["sh", "-c", "exit 3 # s3cret"]), "The anchor's command sh ended with 3."),
        (MailAnchor("anna@audit.example"), "could not be mailed to audit.example (ConnectionRefusedError)."),
    ],
)
def test_a_place_that_refuses_is_named_and_nothing_that_may_be_secret(
    monkeypatch: pytest.MonkeyPatch, place: CommandAnchor | MailAnchor, sentence: str
) -> None:
    def refuses(*_: object, **__: object) -> NoReturn:
        raise ConnectionRefusedError

    monkeypatch.setattr(smtplib, "SMTP", refuses)
    with pytest.raises(OutOfService) as refused:
        asyncio.run(Anchors([place]).put(FIRST, AT))
    assert refused.value.sentence.endswith(sentence)
    assert "s3cret" not in str(refused.value)
    assert "anna" not in str(refused.value)
    assert refused.value.runbook == "anchor-failed"


def test_a_line_that_was_cut_takes_the_next_one_not_with_it(tmp_path: Path) -> None:
    anchors = Anchors([FolderAnchor(tmp_path)])
    anchors.folders[0].begin()
    asyncio.run(anchors.put(FIRST, AT))
    with (tmp_path / FILE).open("ab") as file:
        file.write(b'{"number":2,"dig')
    asyncio.run(anchors.put(SECOND, AT))
    assert asyncio.run(anchors.newest()) == Newest(SECOND)
    assert anchors.readable() == [FIRST, SECOND]


def test_places_that_hang_are_waited_for_together_and_hold_up_no_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One after the other, five of them made the loop that seals late, and a folder behind them got its line late."""
    monkeypatch.setattr(places, "COMMAND_SECONDS", 1.0)
    folder = FolderAnchor(tmp_path)
    folder.begin()
    anchors = Anchors([*(CommandAnchor(["sleep", "30"]) for _ in range(5)), folder])

    async def told() -> float:
        put = asyncio.create_task(anchors.put(FIRST, AT))
        await asyncio.sleep(0.5)
        assert (folder.read(), put.done()) == ([FIRST], False), "it has its line while the others hang"
        began = time.monotonic()
        with pytest.raises(OutOfService):
            await put
        return time.monotonic() - began

    assert asyncio.run(told()) < 3
