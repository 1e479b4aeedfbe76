"""Anchors outside the database: one place's trouble is not another's, and a cut line is not the next one's."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from pathlib import Path

import pytest

from nostro.egress.anchors import FILE, Anchors, FolderAnchor
from nostro.store.audit import Anchor
from nostro.store.quarantine import Newest

AT = datetime(2026, 8, 31, tzinfo=UTC)
FIRST, SECOND = Anchor(1, b"\x01" * 32, 1), Anchor(2, b"\x02" * 32, 1)


def test_a_place_that_refuses_keeps_no_other_from_its_anchor(tmp_path: Path) -> None:
    in_the_way = tmp_path / "file"
    in_the_way.write_bytes(b"")
    anchors = Anchors([FolderAnchor(in_the_way), FolderAnchor(tmp_path / "folder")])
    anchors.folders[1].begin()
    with pytest.raises(NotADirectoryError):
        asyncio.run(anchors.put(FIRST, AT))
    assert FolderAnchor(tmp_path / "folder").read() == [FIRST]


def test_nothing_is_made_in_the_place_of_a_folder_that_is_away(tmp_path: Path) -> None:
    """What is mounted elsewhere leaves an empty folder behind."""
    anchors = Anchors([FolderAnchor(tmp_path), FolderAnchor(tmp_path / "deeper")])
    assert anchors.missing() == [tmp_path / FILE, tmp_path / "deeper" / FILE]
    with pytest.raises(FileNotFoundError):
        asyncio.run(anchors.put(FIRST, AT))
    assert list(tmp_path.iterdir()) == []
    for place in anchors.folders:
        place.begin()
    asyncio.run(anchors.put(FIRST, AT))
    anchors.folders[0].begin()
    assert anchors.missing() == []
    assert anchors.readable() == [FIRST, FIRST]


def test_a_line_that_was_cut_takes_the_next_one_not_with_it(tmp_path: Path) -> None:
    anchors = Anchors([FolderAnchor(tmp_path)])
    anchors.folders[0].begin()
    asyncio.run(anchors.put(FIRST, AT))
    with (tmp_path / FILE).open("ab") as file:
        file.write(b'{"number":2,"dig')
    asyncio.run(anchors.put(SECOND, AT))
    assert asyncio.run(anchors.newest()) == Newest(SECOND)
    assert anchors.readable() == [FIRST, SECOND]
