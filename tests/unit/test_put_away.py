"""A kept file is moved away, and only that one: never another that got its name meanwhile, and never over another."""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from nostro.ingress.files import Sight, is_moving, put_away, shown

AT = datetime(2026, 8, 31, 12, tzinfo=UTC)
RENAME = Path.rename


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A file that was kept."""
    made = tmp_path / "camt.xml"
    made.write_bytes(b"kept")
    return made


def files(folder: Path) -> dict[str, bytes]:
    """What is below, by the name that people know."""
    return {
        "/".join(map(shown, each.relative_to(folder).parts)): each.read_bytes()
        for each in sorted(folder.rglob("*"))
        if each.is_file()
    }


def moved(path: Path) -> bool:
    return put_away(path, Sight.of(path.stat()), AT)


def whenever_renamed(
    monkeypatch: pytest.MonkeyPatch, path: Path, *, before: Callable[[], object], after: Callable[[str], object] = len
) -> None:
    """What happens before and after the file loses its name."""

    def rename(self: Path, target: Path) -> Path:
        if self != path:
            return RENAME(self, target)
        before()
        got = RENAME(self, target)
        after(got.name)
        return got

    monkeypatch.setattr(Path, "rename", rename)


def replace(path: Path, content: bytes = b"the next one") -> None:
    """As a bank delivers the next file of that name."""
    new = path.with_name(".upload")
    new.write_bytes(content)
    new.replace(path)


def no_links(monkeypatch: pytest.MonkeyPatch) -> None:
    def link(*_: object) -> None:
        raise PermissionError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(os, "link", link)


def test_what_was_kept_is_moved_and_nothing_is_left_in_its_place(path: Path) -> None:
    assert moved(path)
    assert files(path.parent) == {"taken/2026-08-31/camt.xml": b"kept"}


def test_the_next_file_that_is_carried_off_gets_its_name_back(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whenever_renamed(monkeypatch, path, before=lambda: replace(path))
    assert moved(path)
    assert files(path.parent) == {"camt.xml": b"the next one"}
    assert [each.name for each in path.parent.iterdir() if each.is_file()] == ["camt.xml"]


def test_so_it_is_with_a_file_that_grew(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whenever_renamed(monkeypatch, path, before=lambda: path.write_bytes(b"kept, and more"))
    assert moved(path)
    assert files(path.parent) == {"camt.xml": b"kept, and more"}


def test_where_its_name_is_taken_again_it_stays_beside_it(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whenever_renamed(monkeypatch, path, before=lambda: replace(path), after=lambda _: path.write_bytes(b"and one more"))
    assert moved(path)
    [hidden] = [each for each in path.parent.iterdir() if is_moving(each.name)]
    assert (hidden.read_bytes(), path.read_bytes()) == (b"the next one", b"and one more")
    assert moved(hidden), "once it has been kept"
    assert files(path.parent) == {"camt.xml": b"and one more", "taken/2026-08-31/camt.xml": b"the next one"}


def test_so_it_does_where_a_file_can_not_have_two_names(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    no_links(monkeypatch)
    whenever_renamed(monkeypatch, path, before=lambda: replace(path))
    assert moved(path)
    [hidden] = [each for each in path.parent.iterdir() if each.is_file()]
    assert is_moving(hidden.name)
    assert hidden.read_bytes() == b"the next one"


def test_a_file_that_was_moved_meanwhile_under_the_same_name_is_not_overwritten(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    another = path.parent / "taken" / "2026-08-31" / "camt.xml"
    whenever_renamed(monkeypatch, path, before=lambda: another.write_bytes(b"moved by another worker"))
    assert moved(path)
    folder = "taken/2026-08-31"
    assert files(path.parent) == {f"{folder}/camt.2.xml": b"kept", f"{folder}/camt.xml": b"moved by another worker"}


@pytest.mark.parametrize("links", [True, False], ids=["with_links", "without"])
def test_where_it_can_not_be_moved_it_is_left_and_so_is_the_archive(
    path: Path, monkeypatch: pytest.MonkeyPatch, *, links: bool
) -> None:
    def rename(self: Path, target: Path) -> Path:
        if self.parent != target.parent:
            raise OSError(errno.EXDEV, "Invalid cross-device link")
        return RENAME(self, target)

    monkeypatch.setattr(Path, "rename", rename)
    if not links:
        no_links(monkeypatch)
    assert not moved(path)
    assert files(path.parent) == {"camt.xml": b"kept"}, "as people know it"
    assert path.exists() == links


@pytest.mark.parametrize("copy", [shutil.copy2, shutil.copy], ids=["another_number", "another_time"])
def test_on_a_mount_that_numbers_or_dates_files_anew_it_is_moved_once_it_was_read_again(
    path: Path, monkeypatch: pytest.MonkeyPatch, copy: Callable[[Path, Path], object]
) -> None:
    """A mount over an object store: a file that is renamed is copied and removed."""

    def rename(self: Path, target: Path) -> Path:
        copy(self, target)
        self.unlink()
        return target

    monkeypatch.setattr(Path, "rename", rename)
    no_links(monkeypatch)
    os.utime(path, (1, 1))
    assert moved(path)
    [hidden] = [each for each in path.parent.iterdir() if each.is_file()]
    assert moved(hidden)
    assert files(path.parent) == {"taken/2026-08-31/camt.xml": b"kept"}


def test_a_name_of_any_length_and_of_any_bytes_can_be_moved(tmp_path: Path) -> None:
    for name in (b"x" * 251 + b".xml", b"\xe4" * 255, b"\nb.xml"):
        path = tmp_path / os.fsdecode(name)
        path.write_bytes(b"kept")
        assert moved(path)
        assert (tmp_path / "taken" / "2026-08-31" / path.name).exists()
