"""Statements of several files, held against each other: missing, doubled, restated, late ones; breaks of the schema."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from nostro.formats.iso20022.write import packaged_schema, schema_check
from nostro.formats.iso20022.write.schema import schema_break
from tests.unit.test_convert_validate import PAYMENT, typed


def mt940(number: int, day: int, opening: int, *moves: int, name: str = "") -> str:
    before, day = day, day + 1
    entries = "".join(f":61:2609{day:02}09{day:02}C{move},00NTRFE-{day}//SV-{day}-{move}\n" for move in moves)
    closing = opening + sum(moves)
    numbered = f":28C:{number:05}/001\n" if number else ""
    return (
        f":20:{name or f'S{day}'}\n:25:37040044/0532013000\n{numbered}:60F:C2609{before:02}EUR{opening},00\n"
        f"{entries}:62F:C2609{day:02}EUR{closing},00\n-\n"
    )


def camt(day: str, created: str, opening: str, name: str) -> str:
    def balance(code: str) -> str:
        return (f"<Bal><Tp><CdOrPrtry><Cd>{code}</Cd></CdOrPrtry></Tp><Amt Ccy='EUR'>{opening}</Amt>"
                f"<CdtDbtInd>CRDT</CdtDbtInd><Dt><Dt>{day}</Dt></Dt></Bal>")  # fmt: skip

    return (
        "<Document xmlns='urn:iso:std:iso:20022:tech:xsd:camt.053.001.08'><BkToCstmrStmt><GrpHdr><MsgId>M</MsgId>"
        f"<CreDtTm>{created}T06:00:00</CreDtTm></GrpHdr><Stmt><Id>{name}</Id><CreDtTm>{created}T06:00:00</CreDtTm>"
        f"<FrToDt><FrDtTm>{day}T00:00:00</FrDtTm><ToDtTm>{day}T23:59:59</ToDtTm></FrToDt>"
        f"<Acct><Id><IBAN>DE89370400440532013000</IBAN></Id><Ccy>EUR</Ccy></Acct>{balance('OPBD')}{balance('CLBD')}"
        "</Stmt></BkToCstmrStmt></Document>"
    )


def found(folder: Path, *texts: str) -> list[dict[str, str]]:
    for number, text in enumerate(texts):
        (folder / f"{number}.txt").write_text(text, encoding="ascii")
    done = typed("validate", str(folder), "--json")
    return [json.loads(line) for line in done.stdout.splitlines()]


def rules(folder: Path, *texts: str) -> list[tuple[str, str]]:
    return [(one["rule"], one["severity"]) for one in found(folder, *texts)]


def test_a_series_that_is_whole_says_nothing_and_an_empty_statement_is_a_link(tmp_path: Path) -> None:
    assert rules(tmp_path, mt940(1, 1, 100, 5), mt940(2, 2, 105), mt940(3, 3, 105, 1, 1)) == []


def test_a_missing_number_is_named_with_the_statement_after_it(tmp_path: Path) -> None:
    (one,) = found(tmp_path, mt940(1, 1, 100, 5), mt940(3, 3, 105))
    assert one["rule"] == "statement_missing"
    assert one["sentence"] == "Between statement 1 and statement 3, 1 are missing."
    assert one["file"].endswith("1.txt")
    assert one["remedy"]


def test_balances_that_do_not_follow_are_found_whatever_the_order_of_the_files(tmp_path: Path) -> None:
    assert rules(tmp_path, mt940(2, 2, 104), mt940(1, 1, 100, 5)) == [("balance_chain_broken", "error")]


@pytest.mark.parametrize(
    "again, rule", [(mt940(1, 1, 100, 5), "statement_doubled"), (mt940(1, 1, 100, 2, 3), "statement_restated")]
)
def test_a_statement_that_is_told_again_is_doubled_or_restated(tmp_path: Path, again: str, rule: str) -> None:
    assert rules(tmp_path, mt940(1, 1, 100, 5), again) == [(rule, "warning")]


def paged(number: int, opening: str, closing: str, move: str, *, last: bool) -> str:
    begins = "F" if number == 1 else "M"
    return (
        f":20:P\n:25:37040044/0532013000\n:28C:00005/{number:03}\n:60{begins}:C260903EUR{opening}\n"
        f":61:2609030903C{move}NTRFE//SV-{number}\n:62{'F' if last else 'M'}:C260903EUR{closing}\n-\n"
    )


FIRST, SECOND = paged(1, "100,", "110,", "10,", last=False), paged(2, "110,", "120,", "10,", last=True)


def test_pages_that_follow_on_each_other_are_one_statement_in_whatever_order_they_come(tmp_path: Path) -> None:
    assert rules(tmp_path, mt940(4, 1, 100), SECOND, FIRST, mt940(6, 3, 120)) == []


@pytest.mark.parametrize("together", [True, False])
def test_pages_that_do_not_follow_on_each_other_are_found(tmp_path: Path, *, together: bool) -> None:
    texts = [FIRST, paged(2, "999,", "1009,", "10,", last=True)]
    (one,) = found(tmp_path, *(["".join(texts)] if together else texts))
    assert (one["rule"], one["severity"]) == ("balance_chain_broken", "error")
    assert one["sentence"].startswith("Page 1 of statement 5 of 2026-09-03 ends with 110, page 2 begins with 999 EUR.")


def test_a_page_told_anew_leaves_the_others_where_they_are(tmp_path: Path) -> None:
    again = paged(2, "110,", "130,", "20,", last=True)
    assert rules(tmp_path, FIRST, SECOND, again) == [("statement_restated", "warning")]


def test_a_doubled_statement_is_found_beside_its_restated_self(tmp_path: Path) -> None:
    texts = [mt940(1, 1, 100, 5), mt940(1, 1, 100, 5), mt940(1, 1, 100, 6)]
    for order in (texts, texts[::-1]):
        told = {rule for rule, _ in rules(tmp_path, *order)}
        assert told == {"statement_doubled", "statement_restated"}


def test_a_last_page_that_is_not_there_is_missing(tmp_path: Path) -> None:
    (one,) = found(tmp_path, FIRST)
    assert (one["rule"], one["sentence"]) == ("statement_missing", "Of statement 5 of 2026-09-03 page 2 is missing.")


def test_statements_that_all_have_the_same_number_are_several(tmp_path: Path) -> None:
    assert rules(tmp_path, mt940(1, 1, 100, 5), mt940(1, 2, 105, 1)) == []


def test_days_without_a_statement_are_another_fact_than_a_statement_without_entries(tmp_path: Path) -> None:
    friday, tuesday = camt("2026-09-04", "2026-09-05", "1.00", "A"), camt("2026-09-08", "2026-09-09", "1.00", "B")
    (one,) = found(tmp_path, friday, tuesday)
    assert (one["rule"], one["severity"]) == ("statement_of_no_day", "warning")
    assert one["sentence"] == "There is no statement of 2026-09-07 to 2026-09-07, not even one without entries."
    monday = camt("2026-09-07", "2026-09-08", "1.00", "C")
    assert rules(tmp_path, friday, tuesday, monday) == []


def test_a_statement_that_was_made_after_the_next_one_is_late(tmp_path: Path) -> None:
    assert rules(tmp_path, camt("2026-09-07", "2026-09-20", "1.00", "A"), camt("2026-09-08", "2026-09-09", "1.00", "B")
                 ) == [("statement_late", "warning")]  # fmt: skip


def test_statements_without_number_that_are_all_called_alike_are_several(tmp_path: Path) -> None:
    zero = mt940(0, 1, 100, 5, name="STARTUMS"), mt940(0, 2, 105, 1, name="STARTUMS")
    assert rules(tmp_path, *(text.replace(":60F:", ":28C:0\n:60F:") for text in zero)) == []
    assert rules(tmp_path, zero[0], zero[1], mt940(0, 2, 105, 2, name="STARTUMS")) == [
        ("statement_restated", "warning")
    ]


def test_statements_of_two_accounts_are_two_series(tmp_path: Path) -> None:
    other = mt940(7, 2, 50).replace("0532013000", "0532013111")
    assert rules(tmp_path, mt940(1, 1, 100, 5), other) == []


def test_a_summary_says_it_below_the_table(tmp_path: Path) -> None:
    found(tmp_path, mt940(1, 1, 100, 5), mt940(3, 3, 105))
    done = typed("parse", str(tmp_path), "--summary")
    assert "Between statement 1 and statement 3, 1 are missing." in done.stdout


def large(broken: int, count: int = 2_000) -> Iterator[bytes]:
    """A pain.001 with some forty lines a payment, of which one lacks its amount."""
    before, payment, after = PAYMENT.partition("<CdtTrfTxInf>")
    inside, end, rest = after.partition("</CdtTrfTxInf>")
    one = (payment + inside % "" + end).replace("><", ">\n\n\n\n<")
    yield before.encode()
    for number in range(count):
        told = one.replace("InstdAmt", "Amount") if number == broken else one
        yield told.encode()
    yield rest.encode()


def test_a_break_of_the_schema_is_located_beyond_the_lines_that_libxml2_can_count() -> None:
    schema = packaged_schema("pain.001.001.09")
    assert schema is not None
    whole = b"".join(large(1_900))
    place = whole[: whole.index(b"<Amount")].rindex(b"<CdtTrfTxInf>")
    broken = schema_break(large(1_900), schema)
    assert broken is not None
    assert broken.where == "PmtInf[1]/CdtTrfTxInf[1901]"
    assert broken.line == whole[:place].count(b"\n") + 1 > 65_535
    pieces = [whole[start : start + 1_000] for start in range(0, len(whole), 1_000)]
    assert schema_break(pieces, schema) == broken
    assert schema_check(pieces, schema).detail.endswith(f"(PmtInf[1]/CdtTrfTxInf[1901], line {broken.line})")


def test_a_break_of_the_schema_is_a_finding_with_place_and_line(tmp_path: Path) -> None:
    file = tmp_path / "payments.xml"
    file.write_text((PAYMENT % "").replace("<EndToEndId>E-1</EndToEndId>", ""), encoding="utf-8")
    (one,) = [json.loads(line) for line in typed("validate", str(file), "--json").stdout.splitlines()
              if json.loads(line)["rule"] == "schema"]  # fmt: skip
    assert one["where"] == "PmtInf[1]/CdtTrfTxInf[1]"
    assert one["line"] == 1 + (PAYMENT % "").partition("<CdtTrfTxInf>")[0].count("\n")
