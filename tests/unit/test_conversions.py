"""Every format that is written can be reached, and whatever does not come back from a conversion has been said."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from functools import partial
from pathlib import Path

import pytest

from nostro.formats.catalogue import tell
from nostro.formats.conversion.order import MEANINGS
from nostro.formats.einvoice import convert
from nostro.formats.reading import Item
from nostro.formats.writing import WRITERS, Order, written
from nostro.model.base import Value
from nostro.model.failures import FormatRefused
from nostro.model.invoices import PaymentMeans
from nostro.model.messages import (
    Envelope,
    Instruction,
    MessageEnd,
    MessageHead,
    OriginalMessage,
    PaymentStatus,
    Reason,
)
from nostro.model.money import Amount
from nostro.model.parties import Address, BankAccount, Party
from nostro.model.remittance import Document
from nostro.model.statements import (
    Balance,
    Charge,
    Detail,
    Entry,
    Exchange,
    References,
    Reject,
    ReturnInformation,
    Source,
    StatementEnd,
    StatementHead,
)
from tests.unit.einvoices import ITALIAN
from tests.unit.einvoices import RICH as INVOICE
from tests.unit.test_payment_writers import collection
from tests.unit.test_profiles import HYBRID, STRUCTURED, payment

ROOT = Path(__file__).parents[2]
NOW = datetime(2026, 11, 28, 10, tzinfo=UTC)
DAY = date(2026, 11, 27)


def eur(value: str) -> Amount:
    return Amount(value=Decimal(value), currency="EUR")


def statement() -> list[Item]:
    """A statement that says nearly all that one can say."""
    named = Party(name="Customer 017 of a name so long that hardly any format of banks has the room for all of it",
                  address=HYBRID, ids={"LEI": "5493001KJTIIGC8Y1R12"})  # fmt: skip
    references = References(
        end_to_end="E-1", account_servicer="SV-1", entry="N-1", instruction="I-1", transaction="T-1", mandate="MA-1",
        structured="RF18539007547034", message="M-1", payment_information="P-1", others={"ChqNb": "77", "own": "9"},
    )  # fmt: skip
    rich_entry = Entry(
        amount=eur("12.50"), direction="credit", state="booked", reversal=True, booking_date=DAY, value_date=DAY,
        references=references, bank_transaction_code="PMNT-RCDT-ESCT",
        remittance=("INV/2026/00012", "and " * 60 + "so on"),
        counterparty=named, counterparty_account=BankAccount(iban="FR1420041010050500013M02606", bic="BNPAFRPPXXX"),
        exchange=Exchange(instructed=Amount(value=Decimal(10), currency="USD"), source_currency="USD",
                          target_currency="EUR", rate=Decimal("1.25")),
        charges=(Charge(amount=eur("0.50"), included=True, bearer="SHAR"),),
        returned=ReturnInformation(code="AC04", text="closed"), additional="more of it", source=Source(where="n[1]"),
    )  # fmt: skip
    several = Entry(
        amount=eur("2.50"), direction="debit", state="booked", booking_date=DAY, value_date=DAY, details_total=2,
        details=(
            Detail(amount=eur("1.00"), direction="debit", references=References(end_to_end="E-2"), purpose="SUPP"),
            Detail(amount=eur("1.50"), direction="debit", remittance=("second",), additional="also"),
        ),
        source=Source(where="n[2]"),
    )  # fmt: skip
    head = StatementHead(
        kind="statement", statement_id="S-1", sequence=12, legal_sequence=3, page=1, last_page=True, currency="EUR",
        bank_account=BankAccount(iban="DE89370400440532013000", bic="COBADEFFXXX", owner="Company 1", name="Main"),
        from_date=DAY, to_date=DAY, created_at=NOW, source=Source(where="s[1]"),
        balances=(Balance(code="OPBD", amount=eur("90.00"), on=DAY),),
    )  # fmt: skip
    balances = (*head.balances, Balance(code="CLBD", amount=eur("100.00"), on=DAY),
                Balance(code="CLAV", amount=eur("80.00"), on=DAY))  # fmt: skip
    end = StatementEnd(entries=2, rejected=1, totals={"EUR": Decimal(10)}, balances=balances, additional="Thank you")
    return [head, rich_entry, several, Reject(where="n[3]", why="the amount is no number"), end]


HEAD = MessageHead(
    kind="payment_initiation", message_id="M-1", source=Source(where="m"), format="pain.001.001.09",
    initiating_party=Party(name="Company 1", ids={"ACH": "1231380104", "SUN": "123456"}),
    envelope=Envelope(sender="1231380104", receiver="091000019"),
    others={"odfi": "09100001", "description": "PAYABLES"},
)  # fmt: skip
RICH = {
    "group": "RUN-7", "priority": "HIGH", "category_purpose": "SUPP", "purpose": "GDDS", "service_level": "URGP",
    "charge_bearer": "SHAR", "batch_booking": False, "agents": (BankAccount(bic="CHASUS33"),),
    "ultimate_debtor": Party(name="Group"), "ultimate_creditor": Party(name="Factor"),
    "instructions": ("HOLD at desk",), "regulatory": ("GB 123",), "settlement_date": DAY, "remittance": ("Rent",),
    "references": References(end_to_end="E-1", instruction="I-1", transaction="T-1", others={"x": "y"}),
    "creditor": Party(name="Supplier 017", address=STRUCTURED, ids={"LEI": "5493001KJTIIGC8Y1R12"}),
    "documents": (Document(number="INV/1", on=DAY, type="CINV"),), "others": {"own": "field"},
}  # fmt: skip


def message(head: MessageHead, *inside: Instruction | PaymentStatus) -> list[Item]:
    return [head, *inside, MessageEnd(items=len(inside), rejected=0)]


def initiation(**changes: object) -> list[Item]:
    return message(HEAD, payment(**{**RICH, **changes}), payment(references=References(end_to_end="E-2")))


def american(**changes: object) -> list[Item]:
    told = {
        "amount": Amount(value=Decimal("5.00"), currency="USD"),
        "creditor_account": BankAccount(other="987654321", clearing_id="021000021"),
    }
    return message(HEAD, payment(**{**RICH, "documents": (), **told, **changes}))


def british() -> list[Item]:
    told = {
        "amount": Amount(value=Decimal("5.00"), currency="GBP"), "execution_date": DAY,
        "debtor_account": BankAccount(iban="GB29NWBK60161331926819"),
        "creditor_account": BankAccount(other="87654321", clearing_id="112233"),
    }  # fmt: skip
    return message(HEAD, payment(**{**RICH, **told}))


def swiss_invoice() -> list[Item]:
    address = Address(street="Weg", building="1", postcode="8000", town="Zürich", country="CH")
    means = PaymentMeans(code="30", account=BankAccount(iban="CH9300762011623852957"))
    told = INVOICE.model_copy(update={
        "payment_means": (means,), "payee": None,
        "seller": INVOICE.seller.model_copy(update={"address": address}),
        "buyer": INVOICE.buyer.model_copy(update={"address": address}),
    })  # fmt: skip
    content = convert(told, "cii").content
    return list(next(tell(lambda: iter((content,)))).items)


ANSWER = MessageHead(
    kind="payment_status", message_id="A-1", original=OriginalMessage(message_id="M-1", name="pain.001.001.09"),
    initiating_party=Party(name="Bank"), source=Source(where="m"), format="pacs.002.001.10",
)  # fmt: skip
STATUS = PaymentStatus(
    level="transaction", status="RJCT", reasons=(Reason(code="AC04", text="closed"),), group="P-1",
    references=References(end_to_end="E-1", transaction="T-1"), amount=eur("1.00"), others={"own": "x"},
    charges=(Charge(amount=eur("0.10")),), source=Source(where="t"),
)  # fmt: skip
ASKED_BACK = MessageHead(
    kind="payment_cancellation", message_id="C-1", initiating_party=Party(name="Company 1"),
    others={"Assgne": "COBADEFFXXX", "Case": "K-1"}, source=Source(where="m"), format="camt.055.001.08",
)  # fmt: skip
TAKEN_BACK = payment(
    references=References(message="M-1", end_to_end="E-1"), group="P-1", others={"original_name": "pain.001.001.09"},
    returned=ReturnInformation(code="DUPL", text="twice"),
)  # fmt: skip

SOURCES: Mapping[str, list[Item]] = {
    **{name: statement() for name in ("camt.052", "camt.053", "camt.054", "mt940", "csv", "camt.060")},
    **{name: initiation() for name in WRITERS if name.startswith("pain.001")},
    **{name: message(HEAD, collection(**{**RICH, "agents": (), "creditor": Party(name="House")}))
       for name in WRITERS if name.startswith("pain.008")},
    **{name: message(ANSWER, STATUS) for name in WRITERS if name.startswith("pain.002")},
    "camt.055": message(ASKED_BACK, TAKEN_BACK), "camt.056": message(ASKED_BACK, TAKEN_BACK),
    "mt101": message(HEAD, payment(**RICH)),
    **{name: american() for name in WRITERS if name.startswith("nacha")},
    "bacs-18": british(),
    "positive-pay": american(method="cheque", others={"cheque_number": "1007", "cheque_type": "CCHQ"}),
    "qr-bill": swiss_invoice(),
    **{name: [INVOICE] for name in ("ubl", "cii")}, "fatturapa": [ITALIAN],
}  # fmt: skip
TOLD = {"class": "CCD", "serial": "ABC123", "destination": "091000019"}
PROFILES = {"pain.001": "iso", "pain.008": "iso"}


def converted(name: str, items: list[Item], **told: str) -> tuple[bytes, list[str]]:
    said: list[str] = []
    order = Order(NOW, said.append, PROFILES.get(name[:8], ""), {**TOLD, **told})
    return b"".join(written(name, items, order)), said


def leaves(path: str, told: object) -> Iterator[tuple[str, str]]:
    """All that is said, by its place: written anew here, since the judge must not be the judged."""
    if isinstance(told, Value):
        told = {name: getattr(told, name) for name in type(told).model_fields if name != "source"}
    if isinstance(told, dict):
        for name, inside in told.items():
            yield from leaves(f"{path}.{name}".lstrip("."), inside)
    elif isinstance(told, tuple) and told and isinstance(told[0], Value):
        for number, inside in enumerate(told, start=1):
            yield from leaves(f"{path}[{number}]", inside)
    elif told not in (None, "", (), False):
        plain = f"{told.normalize():f}" if isinstance(told, Decimal) else str(told)
        yield path, "".join("".join(map(str, told)).split()) if isinstance(told, tuple) else plain


OWN = ("format", "checks", "kind", "created_", "declared_", "balances", "totals", "entries", "rejected",
       "details_total")  # fmt: skip


def comparable(items: list[Item], kind: type) -> list[dict[str, str]]:
    return [
        {path: said for path, said in leaves("", item) if not path.startswith(OWN)}
        for item in items
        if isinstance(item, kind)
    ]


KINDS = (StatementHead, Entry, MessageHead, Instruction, PaymentStatus)
AGAIN = sorted(set(SOURCES) - {"qr-bill", "ubl", "cii", "fatturapa", "camt.060", "positive-pay"})


@pytest.mark.parametrize("name", AGAIN)
def test_whatever_does_not_come_back_has_been_said(name: str) -> None:
    content, said = converted(name, SOURCES[name])
    (told,) = tell(lambda: iter((content,)))
    again = list(told.items)
    assert not [item for item in again if isinstance(item, Reject)]
    for kind in KINDS:
        ours, theirs = comparable(SOURCES[name], kind), comparable(again, kind)
        assert len(ours) == len(theirs)
        for one, other in zip(ours, theirs, strict=True):
            lost = [path for path, text in one.items() if "".join(other.get(path, "").split()) != "".join(text.split())]
            for path in lost:
                assert any(is_named(path, sentence) for sentence in said), (path, one[path], other.get(path))


def is_named(path: str, sentence: str) -> bool:
    """The field itself, or what it is a part of. An IBAN's national number and a statement's currency are the same."""
    if path.endswith(("account.iban", "account.currency")):
        return True
    parts = re.sub(r"\[\d+\]", "", path).split(".")
    sentence = re.sub(r"\[\d+\]", "", sentence)
    return any(".".join(parts[:count]) + " " in sentence for count in range(1, len(parts) + 1))


@pytest.mark.parametrize("name", sorted(set(SOURCES) - {"pain.002"}))
def test_every_writer_can_be_reached_and_says_what_it_leaves_out_with_its_place(name: str) -> None:
    content, said = converted(name, SOURCES[name])
    assert content
    if SOURCES[name] == statement():
        assert "n[3]: the amount is no number; it is not in the result." in said


def test_every_writer_has_a_source_here() -> None:
    assert set(WRITERS) - set(SOURCES) == {"facturx"}


def test_a_payment_that_is_read_back_whole_leaves_nothing_to_say() -> None:
    head = MessageHead(kind="payment_initiation", message_id="M-1", initiating_party=Party(name="House"),
                       source=Source(where="m"))  # fmt: skip
    _, said = converted("pain.001.001.09", message(head, payment(group="G-1"), payment(group="G-1")))
    assert said == []


def test_payments_that_are_grouped_anew_are_compared_with_themselves() -> None:
    other = BankAccount(iban="FR1420041010050500013M02606")
    run = [payment(references=References(end_to_end=f"E-{number}"), debtor_account=other if number % 2 else None or
                   BankAccount(iban="DE89370400440532013000", bic="COBADEFFXXX"), regulatory=("x",) * (number == 2))
           for number in range(4)]  # fmt: skip
    _, said = converted("pain.001.001.09", message(HEAD.model_copy(update={"others": {}, "envelope": None}), *run))
    assert [one for one in said if "regulatory" in one] == [": regulatory was not carried."] or len(said) == 1


@pytest.mark.parametrize("kind, head", [("camt.055", HEAD), ("camt.056", HEAD.model_copy(
    update={"kind": "interbank_payment", "format": "pacs.008.001.08"}))])  # fmt: skip
def test_payments_that_were_sent_are_asked_back_for_a_reason_that_is_told(kind: str, head: MessageHead) -> None:
    sent = message(head, payment(group="RUN-7"))
    with pytest.raises(FormatRefused, match="reason"):
        converted(kind, sent)
    content, _ = converted(kind, sent, reason="DUPL")
    (told,) = tell(lambda: iter((content,)))
    asked = [item for item in told.items if isinstance(item, Instruction)]
    assert asked[0].references.end_to_end == "E-1"
    assert asked[0].returned
    assert asked[0].returned.code == "DUPL"


def test_what_a_format_asks_for_and_no_source_says_is_asked_for_by_name() -> None:
    bare = message(HEAD.model_copy(update={"others": {}, "envelope": None, "initiating_party": None}), payment())
    with pytest.raises(FormatRefused, match=r"origin \(what the bank .*odfi \(first eight digits"):
        b"".join(written("nacha", bare, Order(NOW, print)))
    assert all(name in MEANINGS for name in TOLD)


def test_all_that_a_format_asks_for_is_asked_for_at_once() -> None:
    nameless = HEAD.model_copy(update={"others": {}, "envelope": None, "initiating_party": None})
    sent = message(nameless, payment(debtor_account=BankAccount(other="1234567890")))
    with pytest.raises(FormatRefused, match=r"reason \(.*assignee \("):
        converted("camt.055", sent)
    with pytest.raises(FormatRefused, match=r"origin \(.*odfi \(.*company-id \(.*description \("):
        b"".join(written("nacha", sent, Order(NOW, print)))


def long_statement(entries: int, told: Sequence[str] = ("booked",)) -> Iterator[Item]:
    """A statement that tells its closing balance at its end only."""
    head, entry, *_ = statement()
    assert isinstance(entry, Entry)
    yield head
    for number in range(entries):
        yield entry.model_copy(update={
            "references": References(end_to_end=f"E-{number}"), "amount": eur("1.00"), "reversal": False,
            "state": told[number % len(told)], "remittance": (f"INV/{number}",), "source": Source(where=f"n[{number}]"),
        })  # fmt: skip
    closing = Balance(code="CLBD", amount=eur(f"{90 + entries // len(told)}.00"), on=DAY)
    assert isinstance(head, StatementHead)
    yield StatementEnd(entries=entries, rejected=0, balances=(*head.balances, closing))


def test_balances_stand_before_the_entries_of_a_statement_of_any_length() -> None:
    source = partial(long_statement, 5_500)
    order = Order(NOW, lambda _: None, source=source)
    content = b"".join(written("camt.053", source(), order))
    assert content.index(b"<Cd>CLBD</Cd>") < content.index(b"<Ntry>")
    assert content == b"".join(written("camt.053", list(source()), replace(order, source=tuple)))
    assert content.count(b"<Ntry>") == 5_500


def test_entries_that_are_left_out_are_said_and_all_others_compared_with_themselves() -> None:
    said: list[str] = []
    b"".join(written("mt940", long_statement(9, ("pending", "booked", "information")), Order(NOW, said.append)))
    lost = [one for one in said if "all of it" in one]
    assert lost == [f"n[{number}]: all of it was not carried." for number in (0, 2, 3, 5, 6, 8)]
    assert not [one for one in said if "end_to_end" in one or "remittance" in one]


STREAM = """
import resource, sys
from functools import partial
from nostro.formats.writing import Order, written
from tests.unit.test_conversions import NOW, long_statement

def grown(entries):
    source = partial(long_statement, entries)
    sum(map(len, written(sys.argv[1], source(), Order(NOW, lambda _: None, source=source))))
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

print(-grown(4_000) + grown(12_000))
"""


@pytest.mark.slow
@pytest.mark.parametrize("name", ["camt.053", "mt940", "csv"])
def test_memory_stays_flat_however_many_entries_are_converted(name: str) -> None:
    run = [sys.executable, "-c", STREAM, name]
    told = subprocess.run(run, check=True, capture_output=True, text=True, cwd=ROOT)
    assert int(told.stdout) < 6_000  # kilobytes; as many entries that are held take 40,000


def test_a_pdf_is_asked_for_and_holds_the_invoice(shared: Path) -> None:
    with pytest.raises(FormatRefused, match="Factur-X is a PDF") as refused:
        converted("facturx", [INVOICE])
    assert "--pdf" in refused.value.remedy
    pdf = next((shared / "data" / "einvoice").rglob("*.pdf")).read_bytes()
    content = b"".join(written("facturx", [INVOICE], Order(NOW, lambda _: None, pdf=pdf)))
    (told,) = tell(lambda: iter((content,)))
    assert [getattr(item, "number", "") for item in told.items] == [INVOICE.number]


def test_a_qr_bill_is_written_of_an_invoice_and_again_of_itself() -> None:
    content, said = converted("qr-bill", swiss_invoice())
    assert "no room in a QR-bill" in " ".join(said)
    (told,) = tell(lambda: iter((content,)))
    again, nothing = converted("qr-bill", list(told.items))
    assert (again, nothing) == (content, [])


def test_statements_are_asked_for_again() -> None:
    content, _ = converted("camt.060", statement())
    (told,) = tell(lambda: iter((content,)))
    items = list(told.items)
    (asked,) = [item for item in items if isinstance(item, Instruction)]
    assert asked.others["from_date"] == asked.others["to_date"] == "2026-11-27"
    asked_again, _ = converted("camt.060", items)
    assert b"camt.053.001.08" in asked_again
