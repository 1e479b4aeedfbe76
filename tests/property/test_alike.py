"""What is read without a parser, because it is like what the parser read before, is what the parser would have told."""

from __future__ import annotations

import itertools

import pytest

from bench.files import camt053
from nostro.formats.iso20022 import feeding
from nostro.formats.iso20022.camt import read_camt
from nostro.model.statements import Entry, Reject
from tests.fuzz.run import ours
from tests.fuzz.twice import ODD, PLAIN, differ, varied

ENTRIES = 8
PLACE = b"Invoice INV/2026/000005 part 2"
STATEMENT = b"".join(camt053(ENTRIES))


@pytest.mark.parametrize("odd", [*ODD, *PLAIN])
def test_an_odd_text_is_read_as_the_parser_reads_it(odd: bytes) -> None:
    assert PLACE in STATEMENT
    for text in (odd, odd + b"z", b"z" + odd + b"z"):
        assert not differ(STATEMENT.replace(PLACE, text))


def test_ours_are_told_alike_by_both_ways_whole_and_varied() -> None:
    for path, seed in itertools.product((path for path in ours() if path.suffix == ".xml"), range(3)):
        raw = path.read_bytes()
        assert not differ(raw), path
        assert not differ(varied(raw, seed)), (path, seed)


def test_most_of_what_is_alike_is_not_shown_to_the_parser(monkeypatch: pytest.MonkeyPatch) -> None:
    shown: list[str] = []
    show = feeding.Feeder._show

    def noted(feeder: feeding.Feeder, text: str) -> None:
        shown.append(text)
        show(feeder, text)

    monkeypatch.setattr(feeding.Feeder, "_show", noted)
    raw = b"".join(camt053(100))
    entries = [item for item in read_camt([raw]) if isinstance(item, Entry)]
    assert len(entries) == 100
    again = [item for item in read_camt([raw]) if isinstance(item, Entry)]
    assert entries == again
    assert sum(map(len, shown)) < len(raw) * 1.3


def test_a_statement_that_is_cut_in_what_would_be_passed_by_says_so() -> None:
    raw = b"".join(camt053(ENTRIES))
    *_, last = read_camt([raw[: raw.rindex(b"</RmtInf>")]])
    assert isinstance(last, Reject)
