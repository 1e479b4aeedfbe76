"""Several messages and kinds of payments in one file: each is paid once, and by nothing that it is not."""

from __future__ import annotations

import re
import zipfile
from decimal import Decimal
from pathlib import Path

import pytest

from nostro.formats.catalogue import tell
from nostro.formats.iso20022.camt import read_camt
from nostro.formats.reading import Item
from nostro.model.failures import FormatRefused
from nostro.model.messages import Instruction
from nostro.model.money import Amount
from nostro.model.parties import BankAccount, Party
from nostro.model.statements import References, Reject, StatementHead
from tests.golden.pairs import FOLDER
from tests.unit.test_camt import balance, document, entry
from tests.unit.test_conversions import (
    ANSWER,
    ASKED_BACK,
    DAY,
    HEAD,
    NOW,
    STATUS,
    TAKEN_BACK,
    converted,
    message,
    statement,
)
from tests.unit.test_convert_validate import typed
from tests.unit.test_payment_writers import collection
from tests.unit.test_profiles import payment

SENT_FROM = BankAccount(iban="DE89370400440532013000")


def orders(*names: str, **changes: object) -> list[Item]:
    """Messages of one file, each with a payment."""
    heads = [HEAD.model_copy(update={"message_id": name, "others": {}, "envelope": None}) for name in names]
    return [
        item
        for number, head in enumerate(heads)
        for item in message(head, payment(references=References(end_to_end=f"E-{number}"), **changes))
    ]


@pytest.mark.parametrize("name", ["pain.001", "mt101"])
def test_several_messages_of_a_file_become_one_and_each_payment_is_there_once(name: str) -> None:
    content, said = converted(name, orders("M-1", "M-2", "M-3"))
    (told,) = tell(lambda: iter((content,)))
    paid = [item for item in told.items if isinstance(item, Instruction)]
    assert [one.references.end_to_end or one.references.instruction for one in paid] == ["E-0", "E-1", "E-2"]
    assert any("message_id was changed" in one for one in said)


@pytest.mark.parametrize("name", ["pain.001", "mt101", "bacs-18", "positive-pay"])
def test_a_message_that_came_twice_is_not_paid_twice(name: str) -> None:
    cheque = {
        "method": "cheque",
        "others": {"cheque_number": "17"},
        "amount": Amount(value=Decimal(17), currency="USD"),
    }
    with pytest.raises(FormatRefused, match=r"paid twice|is there once"):
        converted(name, orders("M-1", "M-2", "M-1", **(cheque if name == "positive-pay" else {})))


def test_payments_of_several_days_and_payers_become_several_mt101() -> None:
    other = BankAccount(iban="FR1420041010050500013M02606")
    days = [payment(execution_date=day, debtor_account=account, references=References(end_to_end=f"E{number}"))
            for number, (day, account) in enumerate([(DAY, other), (NOW.date(), other), (DAY, other), (DAY, SENT_FROM)])
            ]  # fmt: skip
    content, _ = converted("mt101", message(HEAD.model_copy(update={"envelope": None}), *days))
    assert re.findall(rb":20:(.*)\r", content) == [b"M-1", b"M-1-2", b"M-1-3"]
    (told,) = tell(lambda: iter((content,)))
    paid = [item for item in told.items if isinstance(item, Instruction)]
    assert {(one.references.instruction, one.execution_date, one.debtor_account) for one in paid} == {
        (one.references.end_to_end, one.execution_date, one.debtor_account) for one in days
    }


@pytest.mark.parametrize("one", [collection(), payment(method="cheque")])
def test_an_mt101_neither_collects_nor_pays_by_cheque(one: Instruction) -> None:
    with pytest.raises(FormatRefused, match="asks a bank to pay"):
        converted("mt101", message(HEAD, one))


def test_what_no_network_tells_of_its_group_is_asked_for() -> None:
    status = STATUS.model_copy(update={"group": ""})
    with pytest.raises(FormatRefused, match="group"):
        converted("pain.002", message(ANSWER, status))
    content, _ = converted("pain.002", message(ANSWER, status), group="RUN-7")
    assert b"<OrgnlPmtInfId>RUN-7</OrgnlPmtInfId>" in content
    back = message(ASKED_BACK, TAKEN_BACK.model_copy(update={"group": ""}))
    assert b"<OrgnlPmtInfId>RUN-7</OrgnlPmtInfId>" in converted("camt.055", back, group="RUN-7")[0]


@pytest.mark.parametrize("name", ["camt.053", "mt940", "csv"])
def test_a_file_of_which_nothing_could_be_read_becomes_no_empty_statement(name: str) -> None:
    with pytest.raises(FormatRefused, match=r"no statement|no whole statement"):
        converted(name, [Reject(where="n[1]", why="the XML breaks off")])


def test_what_a_sender_calls_a_bic_and_is_none_is_an_id_of_its_own() -> None:
    head = ANSWER.model_copy(update={"initiating_party": Party(ids={"BIC": "JOHNDOE99"})})
    content, said = converted("pain.002.001.03", message(head, STATUS))
    assert b"<Othr><Id>JOHNDOE99</Id></Othr>" in content
    assert any("ids.BIC" in one for one in said)


@pytest.mark.parametrize("name", ["pain.001", "mt101"])
def test_an_order_that_tells_no_day_is_asked_for_it_by_name(name: str) -> None:
    order = str(FOLDER / "formats" / "read" / "cfonb160" / "transfers.cfonb")
    asked = typed("convert", order, "--to", name, "--profile", "iso")
    assert (asked.exit_code, "execution-date (" in asked.stderr, asked.stdout) == (2, True, "")
    told = typed("convert", order, "--to", name, "--profile", "iso", "--with", "execution-date=2026-12-01")
    assert ("2026-12-01" if name == "pain.001" else ":30:261201") in told.stdout, told.stderr


def test_a_reject_of_the_source_is_told_with_its_line() -> None:
    order = str(FOLDER / "formats" / "read" / "bacs_standard_18" / "several_days_and_what_does_not_hold.txt")
    told = typed("convert", order, "--to", "camt.055", "--with", "reason=DUPL", "--with", "assignee=BARCGB22XXX")
    assert "file[1], line 7: the amount is no number; it is not in the result." in told.stderr


@pytest.mark.parametrize(
    "read, name, place",
    [
        ("iso20022/pain001.xml", "mt101", "CdtTrfTxInf[2], line 6: Field 32B"),
        ("bai2/deletion.bai", "mt940", "account[1], line 3: Field 62F"),
    ],
)
def test_what_a_swift_message_refuses_is_told_with_its_place(read: str, name: str, place: str) -> None:
    refused = typed("convert", str(FOLDER / "formats" / "read" / read), "--to", name)
    assert (refused.exit_code, place in refused.stderr) == (2, True)


def test_a_request_for_statements_that_name_no_account_asks_for_it() -> None:
    words = ("convert", str(FOLDER / "formats" / "read" / "qif" / "bank.qif"), "--to", "camt.060")
    assert "account (" in typed(*words).stderr
    told = {"account": "DE89370400440532013000", "owner": "Company 1", "from": "2026-08-01", "to": "2026-08-31"}
    given = [word for name, value in told.items() for word in ("--with", f"{name}={value}")]
    assert "<IBAN>DE89370400440532013000</IBAN>" in typed(*words, *given).stdout


@pytest.mark.parametrize("more, lost", [("", []), ("<Purp><Cd>SALA</Cd></Purp>", ["details", "details_total"])])
def test_a_detail_that_only_repeats_its_entry_is_no_loss(more: str, lost: list[str]) -> None:
    detail = (
        "<AcctSvcrRef>B-1</AcctSvcrRef><NtryDtls><TxDtls><Refs><EndToEndId>E-1</EndToEndId></Refs><RltdPties><Dbtr><Pty>"
        f"<Nm>Customer 017</Nm></Pty></Dbtr></RltdPties>{more}<RmtInf><Ustrd>Invoice 1</Ustrd></RmtInf></TxDtls>"
        "</NtryDtls>"
    )
    day = "<BookgDt><Dt>2026-08-31</Dt></BookgDt><ValDt><Dt>2026-08-31</Dt></ValDt>"
    whole = balance("OPBD", "10.00"), balance("CLBD", "22.34"), entry(more=day + detail)
    _, said = converted("mt940", list(read_camt([document(*whole)])))
    assert [one for one in said if "Ntry" in one] == [
        f"/Document/BkToCstmrStmt/Stmt[1]/Ntry[1], line 2: {'; '.join(f'{name} was not carried' for name in lost)}."
    ] * bool(lost)


BILL = FOLDER / "formats" / "read" / "qr_bill"
PAYER = ("--with", "debtor-account=CH9300762011623852957", "--with", "debtor-bic=POFICHBEXXX")


def test_a_qr_bill_is_paid_with_its_reference_once_the_payer_said_from_where_and_when() -> None:
    asked = typed("convert", str(BILL / "bill.txt"), "--to", "pain.001", "--profile", "sps")
    assert (asked.exit_code, "debtor-account (" in asked.stderr, "execution-date (" in asked.stderr) == (2, True, True)
    how = ("--profile", "sps", *PAYER, "--with", "execution-date=2026-11-30")
    paid = typed("convert", str(BILL / "bill.txt"), "--to", "pain.001", *how)
    assert paid.stdout.count("<CdtTrfTxInf>") == 1, paid.stderr
    for said in ('<InstdAmt Ccy="CHF">1949.75<', "<Ref>210000000003139471430009017<", "<IBAN>CH4431999123000889012<",
                 "<ReqdExctnDt><Dt>2026-11-30<", "<IBAN>CH9300762011623852957<"):  # fmt: skip
        assert said in paid.stdout


def test_a_bill_that_leaves_the_amount_open_or_does_not_hold_is_not_paid() -> None:
    for name, why in (("several_left_open.txt", "leaves the amount open"), ("what_does_not_hold.txt", "")):
        refused = typed("convert", str(BILL / name), "--to", "pain.001", *PAYER, "--with", "execution-date=2026-11-30")
        assert (refused.exit_code, refused.stdout, why in refused.stderr) == (2, "", True)


def test_a_bill_that_was_scanned_twice_is_not_paid_twice(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "bills.zip", "w") as made:
        for name in ("one.txt", "two.txt"):
            made.writestr(name, (BILL / "bill.txt").read_text(encoding="utf-8"))
    how = ("--profile", "sps", *PAYER, "--with", "execution-date=2026-11-30")
    refused = typed("convert", str(tmp_path / "bills.zip"), "--to", "pain.001", *how)
    assert (refused.exit_code, refused.stdout, "came before" in refused.stderr) == (2, "", True)


@pytest.mark.parametrize("name", ["camt.053", "mt940"])
def test_a_statement_that_names_no_account_is_told_whose_it_is(name: str) -> None:
    [head, *others] = statement()
    assert isinstance(head, StatementHead)
    nameless = [head.model_copy(update={"bank_account": BankAccount(currency="EUR")}), *others]
    with pytest.raises(FormatRefused, match="account"):
        converted(name, nameless)
    content, _ = converted(name, nameless, account="DE89 3704 0044 0532 0130 00")
    [told, *_] = [item for one in tell(lambda: iter((content,))) for item in one.items]
    assert isinstance(told, StatementHead)
    assert told.bank_account.identification == "DE89370400440532013000"
