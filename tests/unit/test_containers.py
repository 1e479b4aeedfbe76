"""Containers in containers: every document is found, a broken one costs nothing but itself, and no bomb goes off."""

from __future__ import annotations

import gzip
import io
import zipfile
from collections.abc import Iterator, Mapping

import pytest

from nostro.formats import containers
from nostro.formats.catalogue import tell
from nostro.formats.containers import documents
from nostro.formats.reading import Item
from nostro.model.failures import FormatRefused
from nostro.model.statements import Entry


def zipped(members: Mapping[str, bytes]) -> bytes:
    """A ZIP file."""
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w", zipfile.ZIP_DEFLATED) as container:
        for name, content in members.items():
            container.writestr(name, content)
    return held.getvalue()


def found(raw: bytes, size: int = 1_000) -> list[tuple[str, bytes, bytes]]:
    """Where each document stands, with its bytes read once and once more."""

    def chunks() -> Iterator[bytes]:
        return (raw[at : at + size] for at in range(0, len(raw), size))

    return [(told.where, b"".join(told.chunks), b"".join(told.again())) for told in documents(chunks)]


@pytest.mark.parametrize("size", [1, 5, 100_000])
def test_documents_are_found_however_deep_they_are_packed(size: int) -> None:
    inner = zipped({"a.xml": b"<a/>", "b.gz": gzip.compress(b"<b/>")})
    raw = gzip.compress(zipped({"day/inner.zip": inner, "c.xml": b"<c/>", "d.gz": gzip.compress(gzip.compress(b"d"))}))
    assert found(raw, size) == [
        ("day/inner.zip/a.xml", b"<a/>", b"<a/>"),
        ("day/inner.zip/b.gz", b"<b/>", b"<b/>"),
        ("c.xml", b"<c/>", b"<c/>"),
        ("d.gz", b"d", b"d"),
    ]


def test_a_broken_container_among_others_costs_nothing_but_itself() -> None:
    raw = zipped({"broken.zip": b"PK\x03\x04 and no more", "good.xml": b"<a/>"})
    held = list(documents(lambda: iter([raw])))
    assert [told.where for told in held] == ["broken.zip", "good.xml"]
    with pytest.raises(FormatRefused, match="can't be opened"):
        b"".join(held[0].chunks)


def test_what_a_system_put_beside_the_files_is_no_file() -> None:
    raw = zipped({"__MACOSX/day/._a.xml": b"\x00\x05", "day/.DS_Store": b"\x00", "day/a.xml": b"<a/>"})
    assert [where for where, _, _ in found(raw, 100)] == ["day/a.xml"]


@pytest.mark.parametrize("name", ["day/", "__MACOSX/._a.xml"])
def test_a_container_without_a_file_is_refused(name: str) -> None:
    with pytest.raises(FormatRefused, match="holds no file"):
        found(zipped({name: b""}), 100)


def test_what_containers_hold_together_has_a_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    inner = zipped({f"{number}.xml": bytes(300) for number in range(3)})
    raw = zipped({"1.zip": inner, "2.zip": inner, "3.zip": inner})
    room = containers._Room
    monkeypatch.setattr(containers, "_Room", lambda: room(files=100, expanded_bytes=3 * len(inner) + 2_000))
    refused = []
    for document in documents(lambda: iter([raw])):
        try:
            b"".join(document.chunks)
        except FormatRefused:
            refused.append(document.where)
    assert refused == ["3.zip"]


def test_beyond_the_depth_a_container_is_a_file_as_any_other() -> None:
    raw = b"x"
    for _ in range(6):
        raw = gzip.compress(raw)
    [(_, content, _)] = found(raw)
    assert content.startswith(b"\x1f\x8b\x08")


def test_a_cut_stream_is_a_reject_behind_what_could_still_be_unpacked() -> None:
    entries = "".join(f"D2026-08-{day:02d}\nT{day}.25\n^\n" for day in range(13, 31))
    raw = gzip.compress(f"!Type:Bank\n{entries}".encode())[:-12]
    [told] = tell(lambda: iter([raw]))
    items = list[Item]()
    with pytest.raises(FormatRefused, match="cut off"):
        items.extend(told.items)
    assert len([item for item in items if isinstance(item, Entry)]) > 10


def test_a_cut_stream_of_nothing_that_is_known_says_that_it_is_cut() -> None:
    [told] = tell(lambda: iter([gzip.compress(b"hello " * 50)[:-9]]))
    assert (told.format, told.refusal) == (None, "The gzip stream is cut off.")
