"""Documents that are longer than what is held of them: what stands behind is told before, in flat memory."""

from __future__ import annotations

import io
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from functools import partial

import pytest

from nostro.formats.catalogue import tell
from nostro.formats.iso20022.write.batches import Initiation, batches
from nostro.formats.profiles import profile
from nostro.formats.reading import Item
from nostro.formats.writing import Order, written
from nostro.model.failures import FormatRefused
from nostro.model.messages import Instruction, MessageEnd, MessageHead, OriginalMessage, PaymentStatus
from nostro.model.money import Amount
from nostro.model.parties import BankAccount, Party
from nostro.model.statements import References, Reject, Source
from nostro.runtime.json_lines import Lines
from nostro.runtime.output import Output
from tests.unit.test_conversions import NOW, ROOT


def long_mt940(entries: int) -> bytes:
    """A page of an MT940 that others follow, so long that its end is not known when its entries begin."""
    lines = "".join(f":61:2611{1 + at % 27:02}C1,00NMSCNONREF//{at}\n:86:text {at}\n" for at in range(entries))
    opening = ":20:S1\n:25:DE89370400440532013000\n:28C:9/1\n:60F:C261030EUR100,00\n"
    return f"{opening}{lines}:62M:C261127EUR{100 + entries},00\n-\n".encode()


def read_long(entries: int) -> Iterator[Item]:
    (told,) = tell(lambda: iter([long_mt940(entries)]))
    return told.items


@pytest.mark.parametrize("entries", [9, 6_000])
def test_the_last_day_and_page_that_stand_behind_the_entries_are_told_before_them(entries: int) -> None:
    source = partial(read_long, entries)
    content = b"".join(written("camt.053", source(), Order(NOW, lambda _: None, source=source)))
    told = content[: content.index(b"<Ntry>")].decode()
    assert "<FrDtTm>2026-10-30T00:00:00</FrDtTm><ToDtTm>2026-11-27T23:59:59</ToDtTm>" in told
    assert "<PgNb>1</PgNb><LastPgInd>false</LastPgInd>" in told
    assert b":62M:C261127" in b"".join(written("mt940", source(), Order(NOW, lambda _: None, source=source)))
    out = io.BytesIO()
    Lines(out, Output()).file("s.sta", lambda: iter([long_mt940(entries)]))
    shown = json.loads(out.getvalue())
    assert (shown["to_date"], shown["last_page"], len(shown["entries"])) == ("2026-11-27", False, entries)


OURS, OUR_ACCOUNT = Party(name="House 001"), BankAccount(iban="BE68539007547034", bic="KREDBEBB")
THEIRS = BankAccount(iban="DE89370400440532013000")


def payments(count: int, days: int = 1, *, mixed: bool = False) -> Iterator[Item]:
    """A run, made anew each time: its groups one behind the other, or a payment of each in turns."""
    yield MessageHead(kind="payment_initiation", message_id="RUN-7", source=Source(where="run"))
    yield Reject(where="run[0]", why="there is no amount above zero")
    for number in range(count):
        day = number % days if mixed else number * days // count
        yield Instruction(
            method="credit_transfer",
            amount=Amount(value=Decimal(number + 1) / 100, currency="EUR"),
            execution_date=date(2026, 11, 2 + day),
            debtor=Party(name=OURS.name),
            debtor_account=OUR_ACCOUNT.model_copy(),
            creditor=Party(name=f"Supplier {number:03}"),
            creditor_account=THEIRS,
            references=References(end_to_end=f"E{number}"),
            remittance=(f"Invoice {number}",),
            source=Source(where=f"run[{number + 1}]"),
        )
    yield MessageEnd(items=count, rejected=1)


@pytest.mark.parametrize("mixed", [False, True])
@pytest.mark.parametrize("days", [1, 3, 26])
def test_payments_that_are_read_again_are_written_as_those_that_are_held(days: int, mixed: bool) -> None:  # noqa: FBT001 - the case
    source = partial(payments, 600, days, mixed=mixed)
    said: list[str] = []
    content = b"".join(written("pain.001", source(), Order(NOW, said.append, source=source)))
    assert content == b"".join(written("pain.001", source(), Order(NOW, lambda _: None)))
    assert content.count(b"<PmtInf>") == days
    assert sorted(re.findall(rb"<EndToEndId>(E\d+)<", content)) == sorted(f"E{n}".encode() for n in range(600))
    assert b"<NbOfTxs>600</NbOfTxs><CtrlSum>1803.00</CtrlSum>" in content
    assert said == ["run[0]: there is no amount above zero; it is not in the result."]


def test_a_payment_that_changes_between_two_readings_is_never_written_under_a_wrong_sum() -> None:
    letter = Initiation(message_id="M-1", created_at=NOW, initiating_party=OURS)

    class Changing:
        readings = 0

        def __iter__(self) -> Iterator[Instruction]:
            self.readings += 1
            run = [one for one in payments(9) if isinstance(one, Instruction)]
            yield from run[: -1 if self.readings > 1 else None]

    run = batches(letter, Changing(), profile("sepa"), frozenset({"credit_transfer"}))
    with pytest.raises(FormatRefused, match="changed while they were written"):
        [list(inside) for _, inside in run.given()]


def test_what_a_message_has_no_room_for_is_said_of_each_payment_that_streams_by() -> None:
    def source() -> Iterator[Item]:
        for item in payments(700, 2, mixed=True):
            odd = isinstance(item, Instruction) and item.references.end_to_end in ("E5", "E600")
            yield item.model_copy(update={"regulatory": ("tax",)}) if odd else item

    said: list[str] = []
    b"".join(written("pain.001", source(), Order(NOW, said.append, source=source)))
    assert said[1:] == ["run[601]: regulatory was not carried.", "run[6]: regulatory was not carried."]


def test_what_breaks_its_schema_is_refused_while_it_is_written() -> None:
    """BICs of early versions begin with six letters; since 2014 (ISO 9362) there are others, which a profile takes."""

    def source(bic: str) -> Iterator[Item]:
        for item in payments(700):
            update = {"creditor_account": BankAccount(iban="FR1420041010050500013M02606", bic=bic)}
            yield item.model_copy(update=update) if isinstance(item, Instruction) else item

    early = "pain.001.001.03"
    order = Order(NOW, lambda _: None, profile="iso", source=partial(source, "BNPAFRPPXXX"))
    assert b"<BIC>BNPAFRPPXXX</BIC>" in b"".join(written(early, source("BNPAFRPPXXX"), order))
    order = Order(NOW, lambda _: None, profile="iso", source=partial(source, "1234FRPPXXX"))
    with pytest.raises(FormatRefused, match=r"breaks the schema of pain.001.001.03.*PmtInf\[1\]/CdtTrfTxInf\[1\]"):
        b"".join(written(early, (), order))


ROUTED = {
    name: BankAccount(other="12345678", clearing_id=code) for name, code in (("USD", "021000021"), ("GBP", "200000"))
}
TOLD = {
    "destination": "021000021", "origin": "1234567890", "odfi": "02100002", "class": "CCD", "company-name": "HOUSE",
    "company-id": "1234567890", "description": "BILLS", "serial": "ABC123", "user": "123456", "reason": "DUPL",
    "assignee": "COBADEFF", "group": "G-1",
}  # fmt: skip
CURRENCIES = {"nacha": "USD", "positive-pay": "USD", "bacs-18": "GBP"}


def payable_as(to: str, count: int, *, mixed: bool) -> Iterator[Item]:
    """A run that the format takes: payments in its currency, cheques, or what became of them."""
    currency = CURRENCIES.get(to, "EUR")
    routed = ROUTED.get(currency)
    for item in payments(count, 3, mixed=mixed):
        match item:
            case MessageHead() if to.startswith("pain.002"):
                original = OriginalMessage(message_id="M-1", name="pain.001.001.09")
                yield item.model_copy(update={"kind": "payment_status", "original": original})
            case MessageHead():
                kind = "interbank_payment" if to == "camt.056" else "payment_initiation"
                yield item.model_copy(update={"kind": kind, "format": "pain.001.001.09"})
            case Instruction(execution_date=day) if to.startswith("pain.002"):
                told = {"group": f"G-{day}", "references": item.references, "amount": item.amount}
                yield PaymentStatus(level="transaction", status="ACSC", source=item.source, **told)
            case Instruction() if to == "camt.055":
                yield item.model_copy(update={"group": f"G-{item.execution_date}"})
            case Instruction(amount=Amount() as amount) if routed:
                cheque = {"method": "cheque", "others": {"cheque_number": str(int(amount.value * 100))}}
                sides = {"debtor_account": routed, "creditor_account": routed}
                paid = {"amount": Amount(value=amount.value, currency=currency), **sides}
                yield item.model_copy(update=paid | (cheque if to == "positive-pay" else {}))
            case _:
                yield item


STREAM = """
import resource, sys
from functools import partial
from nostro.formats.writing import Order, written
from tests.unit.test_conversions import NOW, ROOT
from tests.unit.test_long_documents import TOLD, payable_as

def grown(count):
    source = partial(payable_as, sys.argv[1], count, mixed=sys.argv[2] == "mixed")
    sum(map(len, written(sys.argv[1], source(), Order(NOW, lambda _: None, told=TOLD, source=source))))
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

print(-grown(300) + grown(int(sys.argv[3])))
"""
STREAMED = ("pain.001", "pain.002", "camt.055", "camt.056", "mt101", "nacha", "bacs-18", "positive-pay")


@pytest.mark.slow
@pytest.mark.parametrize(
    "to, order", [*((to, "mixed") for to in STREAMED), ("pain.001", "sorted"), ("nacha", "sorted")]
)
def test_memory_stays_flat_however_many_payments_are_converted(to: str, order: str) -> None:
    run = [sys.executable, "-c", STREAM, to, order, "2000"]
    told = subprocess.run(run, check=True, capture_output=True, text=True, cwd=ROOT)
    assert int(told.stdout) < 5_000  # kilobytes; as many payments that are held take 8,000


@pytest.mark.parametrize("to", STREAMED)
def test_payments_that_are_read_again_are_written_in_other_formats_as_those_that_are_held(to: str) -> None:
    source = partial(payable_as, to, 90, mixed=True)
    said: list[list[str]] = [[], []]
    content = b"".join(written(to, source(), Order(NOW, said[0].append, told=TOLD, source=source)))
    assert content == b"".join(written(to, source(), Order(NOW, said[1].append, told=TOLD)))
    assert said[0] == said[1]
    assert said[0][0].startswith("run[0]: there is no amount above zero")
    if to == "positive-pay":
        assert [line.split(b",")[2] for line in content.splitlines()[1:]] == [b"%.2f" % (n / 100) for n in range(1, 91)]
        return
    again = [item for told in tell(lambda: iter((content,))) for item in told.items]
    paid = [item.amount for item in again if isinstance(item, Instruction | PaymentStatus) and item.amount]
    assert sorted(one.value for one in paid) == [Decimal(number + 1) / 100 for number in range(90)]
    assert not [item for item in again if isinstance(item, Reject)]
