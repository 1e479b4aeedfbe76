"""The memory that an embedded PostgreSQL is made with: a quarter of what there is, wherever its bound is written."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from nostro.store import embedded_memory


@pytest.mark.parametrize(
    "membership, limits, megabytes",
    [
        ("0::/\n", {"memory.max": "2147483648"}, 512),
        ("0::/\n", {"memory.max": "1073741"}, 128),
        ("0::/\n", {"memory.max": f"{1 << 50}"}, None),
        ("0::/\n", {"memory.max": "max"}, None),
        ("0::/nostro.slice/one.service\n", {"nostro.slice/one.service/memory.max": "2147483648"}, 512),
        (
            "0::/nostro.slice/one.service\n",
            {"nostro.slice/memory.max": "2147483648", "nostro.slice/one.service/memory.max": "max"},
            512,
        ),
        ("5:cpu:/one\n4:memory:/one\n0::/\n", {"memory/one/memory.limit_in_bytes": "2147483648"}, 512),
        ("4:memory:/docker/one\n", {"memory/memory.limit_in_bytes": "2147483648"}, 512),
        ("4:memory:/one\n", {"memory/one/memory.limit_in_bytes": f"{(1 << 63) - 4096}"}, None),
        ("0::/another/root\n", {}, None),
    ],
)
def test_buffers_are_a_quarter_of_the_memory_that_there_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, membership: str, limits: dict[str, str], megabytes: int | None
) -> None:
    (tmp_path / "cgroup").write_text(membership)
    for name, limit in limits.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(limit)
    monkeypatch.setattr(embedded_memory, "_MEMBERSHIP", tmp_path / "cgroup")
    monkeypatch.setattr(embedded_memory, "_GROUPS", tmp_path)
    whole = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    wanted = min(max(whole // 4, 128 << 20), 4 << 30) if megabytes is None else megabytes << 20
    assert embedded_memory.memory_for_buffers() == wanted
    monkeypatch.setattr(embedded_memory, "_MEMBERSHIP", tmp_path / "none")
    assert embedded_memory.memory_for_buffers() == min(max(whole // 4, 128 << 20), 4 << 30)


def test_where_so_much_cannot_be_mapped_buffers_are_the_least(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(embedded_memory, "_MOST_BUFFERS", 1 << 60)
    monkeypatch.setattr(os, "sysconf", lambda _: 1 << 31)
    assert embedded_memory.memory_for_buffers() == 128 << 20
