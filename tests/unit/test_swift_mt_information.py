"""Field 86 in the structures of German, Polish, Dutch, Belgian and other banks."""

from __future__ import annotations

from decimal import Decimal

import pytest

from nostro.formats.swift_mt.line import told_reference
from nostro.formats.swift_mt.read import read_mt
from nostro.model.money import Amount
from nostro.model.statements import Entry

HEAD = ":20:X\n:25:DE89370400440532013000\n:60F:C260831EUR100,00\n:61:260831C1,00NTRFNONREF//B7\n"


def entry(*lines: str) -> Entry:
    text = HEAD + "".join(f"{line}\n" for line in lines) + ":62F:C260831EUR101,00\n-\n"
    (found,) = (item for item in read_mt([text.encode()]) if isinstance(item, Entry))
    return found


def name(told: Entry) -> str:
    return told.counterparty.name if told.counterparty else ""


def other_account(told: Entry) -> tuple[str, str, str, str]:
    one = told.counterparty_account
    return (one.iban, one.other, one.bic, one.clearing_id) if one else ("", "", "", "")


def test_german_parts_with_sepa_tags() -> None:
    told = entry(
        ":86:166?00SEPA-GUTSCHRIFT?109310?20EREF+E2E-2026-0000000000001?217?22KREF+PAIN-4711?23MREF+M-1 CRED+DE98ZZZ",
        "09999999999?24PURP+SALA?25SVWZ+Rechnung INV/2026/0001?262 vom August?30DEUTDEFF500?31DE8937040044053201300",
        "0?32Customer 17 Handelsgesellsc?33haft mbH?34000?35more",
    )
    refs = told.references
    assert (refs.end_to_end, refs.instruction, refs.mandate) == ("E2E-2026-00000000000017", "PAIN-4711", "M-1")
    assert refs.others == {"CRED": "DE98ZZZ09999999999", "PURP": "SALA", "?35": "more"}
    assert told.remittance == ("Rechnung INV/2026/00012 vom August",)
    assert told.bank_transaction_code == "NTRF+166+9310"
    assert (name(told), told.additional) == ("Customer 17 Handelsgesellschaft mbH", "SEPA-GUTSCHRIFT")
    assert other_account(told) == ("DE89370400440532013000", "", "DEUTDEFF500", "")


def test_parts_that_name_nobody_are_nobody() -> None:
    assert entry(":86:808?00CHARGES?20AUGUST").counterparty is None


def test_full_parts_go_on_in_the_next_and_others_end_with_a_blank() -> None:
    told = entry(":86:005?20" + "A" * 27 + "?21B?22C?32KARL?33        KAUFMANN")
    assert (told.remittance, name(told)) == (("A" * 27 + "B C",), "KARL KAUFMANN")


def test_tags_across_parts_and_none_at_all() -> None:
    told = entry(
        ":86:835?20Ihr Einkauf.?23MREF+ 12AB234CD6E7F CRED+ A?24B12CDE0000000000000000034 S?25VWZ+ . Einkauf bei Shop 9"
    )
    assert (told.references.mandate, told.references.others["CRED"]) == ("12AB234CD6E7F", "AB12CDE0000000000000000034")
    assert told.remittance == ("Ihr Einkauf.", ". Einkauf bei Shop 9")


def test_a_reference_ends_with_its_part_unless_that_is_full() -> None:
    told = entry(":86:159?20EREF+TFNR 40005 00005?21MTLG:Grund nicht spezifizie?22rt Reject")
    assert (told.references.end_to_end, told.remittance) == (
        "TFNR 40005 00005",
        ("MTLG:Grund nicht spezifiziert Reject",),
    )
    told = entry(":86:105?20EREF+123/123/12345-----L110?60000000012345 BIC: BYLADEMM")
    assert (told.references.end_to_end, told.remittance) == ("123/123/12345-----L110", ("000000012345 BIC: BYLADEMM",))


def test_letters_of_dos_are_letters() -> None:
    text = (HEAD + ":86:napi összevont utánvét\n:62F:C260831EUR101,00\n").encode("cp852")
    assert [item.remittance for item in read_mt([text]) if isinstance(item, Entry)] == [("napi összevont utánvét",)]


def test_an_empty_tag_and_one_that_says_there_is_none() -> None:
    told = entry(":86:171?20KREF+EREF+NOTPROVIDED?21SVWZ+a")
    assert (told.references.instruction, told.references.end_to_end, told.remittance) == ("", "", ("a",))


@pytest.mark.parametrize("word", ["KREF", "eref", "KREF+", "Marf +", "NONREF", "nonref", "N/A", "000"])
def test_a_word_that_points_elsewhere_or_nowhere_is_no_reference(word: str) -> None:
    assert told_reference(f" {word} ") == ""


def test_a_tag_that_no_colon_ends_begins_no_field() -> None:
    told = entry(":86:one", ":64", "two")
    assert told.remittance == ("one", ":64", "two")


def test_a_plus_within_a_text_is_only_a_plus() -> None:
    told = entry(":86:166?20SVWZ+Meyer + Schneider 1+1")
    assert told.remittance == ("Meyer + Schneider 1+1",)


def test_a_question_mark_within_a_text_is_only_one() -> None:
    told = entry(":86:166?00WHAT?20SVWZ+Who? Me?32Customer 3")
    assert (told.remittance, name(told)) == (("Who? Me",), "Customer 3")


def test_savings_banks_older_spelling_with_colons() -> None:
    told = entry(":86:105?20Miete Mai EREF: E-1 MREF: M-2?21IBAN: DE89370400440532013000")
    assert (told.references.end_to_end, told.references.mandate) == ("E-1", "M-2")
    assert told.remittance == ("Miete Mai EREF: E-1 MREF: M-2 IBAN: DE89370400440532013000",)
    assert other_account(told)[0] == "DE89370400440532013000"


@pytest.mark.parametrize("separator", ["?", "~", "^", "<", ">", "|", "@"])
def test_whatever_separates_the_parts(separator: str) -> None:
    told = entry(
        f":86:020{separator}00Przelew{separator}20Faktura 7{separator}3010600076{separator}32HUTA{separator}38PL21"
    )
    assert (told.remittance, name(told), told.additional) == (("Faktura 7",), "HUTA", "Przelew")
    assert other_account(told) == ("", "PL21", "", "10600076")


def test_a_return_says_why_in_the_text_key_s_extension() -> None:
    told = entry(":86:159?00RETOURE?20EREF+E-1?21SVWZ+?34914")
    assert told.returned is not None
    assert told.returned.proprietary == "914"
    assert entry(":86:166?20a?34000").returned is None


def test_a_compensation_is_a_charge() -> None:
    told = entry(":86:109?20EREF+E-1?21OAMT+50,00?22COAM+3,00?34904")
    assert [charge.amount.value for charge in told.charges] == [Decimal("3.00")]
    assert told.references.others["OAMT"] == "50,00"


def test_dutch_codes_between_slashes() -> None:
    told = entry(
        ":86:/TRTP/SEPA OVERBOEKING/IBAN/FR1420041010050500013M02606/BIC/GEFRADAM",
        "/NAME/Customer 017/REMI/Factuur 12/EREF/NOTPROVIDED/MARF/M1/CSID/NL98ZZZ1",
    )
    assert (told.additional, name(told), told.remittance) == ("SEPA OVERBOEKING", "Customer 017", ("Factuur 12",))
    assert other_account(told) == ("FR1420041010050500013M02606", "", "GEFRADAM", "")
    assert (told.references.end_to_end, told.references.mandate) == ("", "M1")
    assert told.references.others == {"CSID": "NL98ZZZ1"}


def test_ing_s_counterparty_and_both_kinds_of_remittance() -> None:
    told = entry(
        ":86:/EREF/EV123//CNTP/NL32INGB0000012345/INGBNL2A/Shop 9/Utrecht///REMI/USTD//EV10001",
        "REP/PURP/OTHR/",
    )
    assert other_account(told) == ("NL32INGB0000012345", "", "INGBNL2A", "")
    assert (name(told), told.remittance, told.references.end_to_end) == ("Shop 9", ("EV10001REP",), "EV123")
    structured = entry(":86:/CNTP/NL32INGB0000012345/INGBNL2A/Shop 9///REMI/STRD/CUR/9001123412341234/")
    assert structured.references.structured == "9001123412341234"


def test_rabobank_s_beneficiary_and_batches() -> None:
    told = entry(
        ":86:/PREF/BATCH-7/EREF/01-01-2026 12:00 003/BENM//NAME/CONTRA ACCOUN", "T HOLDER/REMI//ISDT/2026-07-11"
    )
    assert (name(told), told.references.payment_information) == ("CONTRA ACCOUNT HOLDER", "BATCH-7")
    assert (told.references.end_to_end, told.remittance) == ("01-01-2026 12:00 003", ())
    assert told.references.others == {"ISDT": "2026-07-11"}


def test_a_return_s_code_between_slashes() -> None:
    told = entry(":86:/TRTP/SEPA RETURN/RTRN/MS03/EREF/E1")
    assert told.returned is not None
    assert told.returned.code == "MS03"


def test_polish_labels() -> None:
    told = entry(
        ":86:911 TRANSAKCJA COLLECT; ID IPH: X1; Z RACH.: ",
        "56114010810000267002001001; OD: CUSTOMER 4  ",
        "UL. NIJAKA 1; TYT.: PRZELEW SRODKOW   ; ",
        "TNR: 179171073864111.010001",
    )
    assert other_account(told)[1] == "56114010810000267002001001"
    assert (name(told), told.remittance) == ("CUSTOMER 4 UL. NIJAKA 1", ("PRZELEW SRODKOW",))
    assert told.additional == "911 TRANSAKCJA COLLECT; ID IPH: X1"
    assert told.references.others == {"TNR": "179171073864111.010001"}


def test_dutch_labels_in_columns() -> None:
    told = entry(
        ":86:SEPA IDEAL                       IBAN: NL32INGB0000012345         ",
        "BIC: INGBNL2A                    NAAM: SHOP 9                    ",
        "OMSCHRIJVING: ORDER 264267       KENMERK: 12-05-2026 10:05 00301 ",
    )
    assert other_account(told)[0] == "NL32INGB0000012345"
    assert (name(told), told.remittance) == ("SHOP 9", ("ORDER 264267",))
    assert (told.references.end_to_end, told.additional) == ("12-05-2026 10:05 00301", "SEPA IDEAL")


def test_knab_s_second_line() -> None:
    told = entry(":86:FACTUUR 201403110", "REK: NL65INGB0123456789/NAAM: SHOP 9")
    assert (told.remittance, name(told)) == (("FACTUUR 201403110",), "SHOP 9")
    assert other_account(told)[0] == "NL65INGB0123456789"


def test_free_text_by_lines_of_which_full_ones_go_on() -> None:
    told = entry(":86:" + "A" * 60 + "12345", "67 rest", " end")
    assert told.remittance == ("A" * 60 + "1234567 rest", "end")


def test_free_text_behind_the_code_999() -> None:
    told = entry(":86:999PN5477SCHECK-NR. 17")
    assert (told.remittance, told.bank_transaction_code) == (("PN5477SCHECK-NR. 17",), "NTRF+999")


def test_tags_in_free_text() -> None:
    told = entry(":86:SEPA CREDIT EREF+E-1 SVWZ+Invoice 7")
    assert (told.references.end_to_end, told.remittance) == ("E-1", ("SEPA CREDIT", "Invoice 7"))


@pytest.mark.parametrize(
    "text, structured",
    [
        ("BETALING +++090/9337/55493+++ DANK U", "090/9337/55493"),
        ("***090/9337/55493***", "090/9337/55493"),
        ("RF18 5390 0754 7034", "RF18539007547034"),
        ("RF18 is no reference here", ""),
    ],
)
def test_structured_references_in_free_text(text: str, structured: str) -> None:
    assert entry(f":86:{text}").references.structured == structured


@pytest.mark.parametrize("text", ["", " ", "?", "/", "166", "166?", "166?2", "/EREF/", "EREF+", ":", "+", "999"])
def test_a_text_that_says_nothing_is_no_trouble(text: str) -> None:
    assert entry(f":86:{text}").amount.value == Decimal("1.00")


def test_a_time_that_was_wrapped_before_its_colon_is_text() -> None:
    told = entry(":86:106?20EREF+V1?21SVWZ+Shop 12-09-2026T16", ":26:37 Folgenr. 007")
    assert told.remittance == ("Shop 12-09-2026T16:26:37 Folgenr. 007",)
    assert entry(":86:at T16", ":20:37 or so").remittance == ("at T16", ":20:37 or so")


def test_the_volksbank_s_reference_is_the_other_bank_account() -> None:
    told = statement_line(
        "NIOBNL91ABNA0417164300", "customer 17 b.v.", ":86:NL91ABNA0417164300 customer 17 b.v. ", "INV 17"
    )
    assert (name(told), other_account(told)[0], told.remittance) == (
        "customer 17 b.v.",
        "NL91ABNA0417164300",
        ("INV 17",),
    )
    assert (told.references.instruction, told.additional) == ("", "")


def test_the_volksbank_s_structured_text_begins_below_it() -> None:
    lines = (":86:0417164300 supplier 3", " " * 65, "/TRTP/INCASSO/NAME/SUPPLIER 3/MARF/M-1/REMI/INV 3/EREF/E-3")
    told = statement_line("NINC0417164300//B9", "supplier 3", *lines)
    assert (told.references.mandate, told.references.end_to_end, told.references.account_servicer) == (
        "M-1",
        "E-3",
        "B9",
    )
    assert (name(told), other_account(told)[1], told.remittance) == ("SUPPLIER 3", "0417164300", ("INV 3",))


def test_no_type_and_no_reference_is_not_a_type_and_a_reference() -> None:
    told = statement_line("NONREF", "", ":86:INV 17")
    assert (told.bank_transaction_code, told.references.instruction) == ("", "")


def statement_line(rest: str, below: str, *more: str) -> Entry:
    lines = [f":61:260831D1,00{rest}", *([below] if below else []), *more]
    text = ":20:X\n:25:123\n:60F:C260831EUR9,00\n" + "".join(f"{line}\n" for line in lines) + ":62F:C260831EUR8,00\n-\n"
    (found,) = (item for item in read_mt([text.encode()]) if isinstance(item, Entry))
    return found


def test_a_text_behind_another_currency_s_amount_is_text() -> None:
    told = entry(":86:/OCMT/USD2853,12/", "PAYMENT OF INV 17 AND 18")
    assert told.exchange is not None
    assert told.exchange.instructed == Amount(value=Decimal("2853.12"), currency="USD")
    assert told.remittance == ("PAYMENT OF INV 17 AND 18",)


def test_a_beneficiary_may_begin_with_its_bank_account() -> None:
    told = entry(":86:/BENM/300000000000133", "/SUPPLIER 3 SKOPJE", "/INV 17//160309522")
    assert (name(told), other_account(told)[1]) == ("SUPPLIER 3 SKOPJE", "300000000000133")
    assert told.remittance == ("INV 17//160309522",)


def test_codes_of_goldman_sachs_end_the_reference() -> None:
    told = entry(
        ":86:/EREF/CP/0017/M1",
        "/DBNM/CUSTOMER 17",
        "/DACT/107049924/DBIC/DEUTDEFF",
        "/OAMT/13-0/FCCY/GBP",
        "/REMI/INV 17",
    )
    assert (told.references.end_to_end, told.references.others) == ("CP/0017/M1", {"OAMT": "13-0", "FCCY": "GBP"})
    assert (name(told), other_account(told)) == ("CUSTOMER 17", ("", "107049924", "DEUTDEFF", ""))
    assert told.remittance == ("INV 17",)


@pytest.mark.parametrize(
    "text",
    [
        "/REMI//CDTRREFTP//CD/SCOR/ISSR/CUR/CDTRREF/4420043232693268",
        "/TRTP/ACCEPTGIROBETALING/REMI/ISSUER: CUR                  REF: 4420043232693268",
        "SEPA OVERBOEKING                 IBAN: NL91ABNA0417164300        BETALINGSKENM.: 4420043232693268",
    ],
)
def test_dutch_payment_references_are_structured(text: str) -> None:
    assert entry(f":86:{text}").references.structured == "4420043232693268"


def test_a_bban_is_a_bank_account() -> None:
    told = entry(":86:/TRTP/PAKKETKOSTEN/BBAN/80000208/NAME/BANK 3/REMI/AUGUST")
    assert (told.additional, other_account(told)[1]) == ("PAKKETKOSTEN", "80000208")


def test_a_name_that_fills_its_column_ends_before_the_next_word() -> None:
    told = entry(
        ":86:SEPA OVERBOEKING                 IBAN: NL91ABNA0417164300        ",
        "BIC: ABNANL2A                    NAAM: SUPPLIER 3 NETHERLANDS BV.",
        "OMSCHRIJVING: INV 17",
    )
    assert (name(told), told.remittance) == ("SUPPLIER 3 NETHERLANDS BV.", ("INV 17",))


def test_a_plus_sign_may_stand_before_the_numbers_and_a_slash_is_no_second_part_of_a_name() -> None:
    told = entry(
        ":86:000+20Plata           +30101010000+31DE8937040044053201",
        "3000+32Customer 017+33/",
        "+23INV/2026/00012",
    )
    assert (told.remittance, name(told)) == (("Plata INV/2026/00012",), "Customer 017")
    assert other_account(told) == ("DE89370400440532013000", "", "", "101010000")


def test_a_plus_sign_of_a_text_or_a_tag_parts_nothing() -> None:
    assert entry(":86:999+49 89 2020 Office").remittance == ("999+49 89 2020 Office",)
    assert entry(":86:166?00GUTSCHRIFT?20EREF+20-2026").references.end_to_end == "20-2026"


@pytest.mark.parametrize("separator", ["?", "~"])
def test_the_account_may_stand_where_a_name_goes_on(separator: str) -> None:
    parts = ("110", "20INV/2026/00012", "32Customer 017", "33DE89370400440532013000", "60")
    told = entry(":86:" + separator.join(parts if separator == "~" else parts[:-1]))
    assert (name(told), other_account(told)[0]) == ("Customer 017", "DE89370400440532013000")
    told = entry(":86:110?31DE02120300000000202051?32Customer 017?33DE89370400440532013000")
    assert (name(told), other_account(told)[0]) == ("Customer 017 DE89370400440532013000", "DE02120300000000202051")
