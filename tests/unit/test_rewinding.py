"""After a restore a feed's cursor goes back to before an instant, and never forward."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from nostro.connectors.kit.cursors import state_of
from nostro.connectors.kit.manifest import Feed
from nostro.connectors.registry import CONNECTORS
from nostro.ingress.files import FILES_AT_ONCE, first_again, goes_on_from, put_away_behind
from nostro.model.canonical import canonical

AT = datetime(2026, 8, 31, 9, tzinfo=UTC)
STRIPE, ODOO = CONNECTORS["stripe"].manifest.feeds, CONNECTORS["odoo"].manifest.feeds


def text(**state: object) -> str:
    return canonical(state).decode()


def feeds() -> Iterator[tuple[str, Feed]]:
    for connector in CONNECTORS.values():
        yield from connector.manifest.feeds.items()


@pytest.mark.parametrize("feed", [feed for _, feed in feeds()], ids=[name for name, _ in feeds()])
def test_a_feed_at_its_beginning_stays_there(feed: Feed) -> None:
    assert feed.rewound("", AT) == ""


@pytest.mark.parametrize("name", STRIPE)
def test_a_stripe_walk_begins_anew_at_the_earlier_of_both(name: str) -> None:
    stood = int(AT.timestamp())
    walk = text(since=stood + 60, after="x", newest=stood + 90, told=["1"])
    assert STRIPE[name].rewound(walk, AT) == text(since=stood)
    assert state_of(STRIPE[name].rewound(text(since=stood - 60), AT)) == {"since": stood - 60}


def test_payouts_whose_lines_wait_to_be_read_are_not_forgotten() -> None:
    """They may be older than a walk that begins anew goes back: those of a first load are."""
    stood = int(AT.timestamp())
    waits = text(since=stood + 60, queue=["po_1", "po_2"], line="txn_9", walked=["po_0"], fresh=["po_1"])
    assert state_of(STRIPE["payouts"].rewound(waits, AT)) == {
        "since": stood,
        "queue": ["po_1", "po_2"],
        "walked": [],
    }


@pytest.mark.parametrize("name", ["invoices", "payments"])
def test_an_odoo_walk_goes_back_to_the_earliest_second_it_stands_for(name: str) -> None:
    rewound = ODOO[name].rewound
    assert rewound(text(seen="2026-08-31 10:00:00"), AT) == text(seen="2026-08-31 09:00:00")
    assert rewound(text(seen="2026-08-31 10:00:00", **{"from": "2026-08-31 08:00:00"}, after=7), AT) == text(
        seen="2026-08-31 08:00:00"
    )


def test_an_odoo_feed_that_goes_back_holds_open_what_it_held() -> None:
    stood = {"seen": "2026-08-31 10:00:00", "held": {"1": [7, 9]}, "walks": 4}
    sweep = {"companies": ["1"], "last": 7, "size": 200, "hidden": []}
    assert state_of(ODOO["invoices"].rewound(text(**stood, sweep=sweep, told=["x"]), AT)) == {
        **stood,
        "seen": "2026-08-31 09:00:00",
    }


def test_what_a_folder_put_away_is_read_again_from_the_day_before(tmp_path: Path) -> None:
    for day in ("2026-08-29", "2026-08-30", "2026-08-31"):
        (tmp_path / day).mkdir()
        for name in ("a.xml", "b.xml"):
            (tmp_path / day / name).touch()
    behind = put_away_behind(tmp_path, first_again(AT))
    assert behind == ["2026-08-30/a.xml", "2026-08-30/b.xml", "2026-08-31/a.xml", "2026-08-31/b.xml"]
    assert put_away_behind(tmp_path, "2026-08-31/a.xml") == ["2026-08-31/b.xml"]
    assert put_away_behind(tmp_path / "missing", "") == []


def test_a_large_archive_is_read_again_a_part_at_a_time(tmp_path: Path) -> None:
    (tmp_path / "2026-08-31").mkdir()
    names = [f"2026-08-31/{number:04}.xml" for number in range(3 * FILES_AT_ONCE)]
    for name in names:
        (tmp_path / name).touch()
    seen: list[str] = []
    after = first_again(AT)
    while part := put_away_behind(tmp_path, after)[:FILES_AT_ONCE]:
        seen, after = seen + part, part[-1]
    assert seen == names


@pytest.mark.parametrize(
    "place, goes_on",
    [
        ("", "2026-08-30"),
        ("2026-08-30/a.xml", "2026-08-30"),
        ("2026-08-29", "2026-08-29"),
        ("2026-08-31/b.xml//2026-08-29/a.xml", "2026-08-29/a.xml"),
        ("2026-08-31/b.xml//2026-08-31/a.xml", "2026-08-30"),
    ],
)
def test_a_folder_goes_back_and_never_forward(place: str, goes_on: str) -> None:
    """What waits to be read again for an earlier recovery still is."""
    assert goes_on_from(place, AT) == goes_on
    assert goes_on_from(place, None) == place
