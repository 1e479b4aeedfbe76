"""The bytes on which every hash hangs: pinned to the letter."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal

import pytest

from nostro.model.canonical import canonical, parse


def test_keys_are_sorted_nulls_left_out_and_decimals_plain() -> None:
    given = {"b": Decimal("1E+2"), "a": None, "c": [Decimal("0.10"), True, "ä"], "A": date(2026, 8, 31)}
    assert canonical(given) == '{"A":"2026-08-31","b":"100","c":["0.10",true,"ä"]}'.encode()


def test_instants_are_utc_with_six_digits() -> None:
    zoned = datetime(2026, 8, 31, 10, tzinfo=timezone(timedelta(hours=2)))
    assert canonical({"at": zoned}) == b'{"at":"2026-08-31T08:00:00.000000Z"}'


@pytest.mark.parametrize("unfit", [1.5, {"x": [0.1]}, object()])
def test_floats_and_strangers_are_refused(unfit: object) -> None:
    with pytest.raises(TypeError):
        canonical(unfit)


def test_an_instant_without_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="zone"):
        canonical({"at": datetime(2026, 8, 31)})  # noqa: DTZ001 - the very thing that is refused


def test_canonical_bytes_of_what_was_parsed_are_the_same() -> None:
    once = canonical({"z": 1, "a": {"y": datetime(2026, 1, 1, tzinfo=UTC)}})
    assert canonical(parse(once)) == once
