"""Reports, cancellations and requests are read as they were written; so is the invoice that a Factur-X holds."""

from __future__ import annotations

import io
from collections.abc import Iterator
from datetime import UTC, date, datetime

import pypdf
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from nostro.formats.einvoice.cii import write_cii
from nostro.formats.einvoice.pdf import embedded_invoice, read_pdf, write_facturx
from nostro.formats.einvoice.sub_lines import fitted
from nostro.formats.iso20022.message import read_messages
from nostro.formats.iso20022.write import (
    PAIN002,
    Assignment,
    Initiation,
    Wanted,
    write_camt055,
    write_camt056,
    write_camt060,
    write_pain002,
)
from nostro.model.invoices import Invoice
from nostro.model.messages import Instruction, OriginalMessage, PaymentStatus, Reason
from nostro.model.parties import Party
from nostro.model.statements import References, ReturnInformation, Source
from tests.property.test_einvoices import invoices, reasons_in_the_breakdown
from tests.property.test_payment_messages import accounts, amounts, ids, words
from tests.unit.einvoices import same

AT = datetime(2026, 8, 31, 18, 30, tzinfo=UTC)
HERE = Source(where="")
LETTER = Initiation(message_id="M-18", created_at=AT, initiating_party=Party(name="House 001"))
BETWEEN = Assignment(message_id="A-1", created_at=AT, assigner=Party(name="House 001"), assignee=Party(name="Bank 005"))
ORIGINAL = OriginalMessage(message_id="M-17", name="pain.001.001.09")
REASON = st.builds(Reason, code=st.sampled_from(["AC04", "AM05"]), text=st.just("") | words)


@st.composite
def reports(draw: st.DrawFn) -> list[PaymentStatus]:
    told = [PaymentStatus(level="message", status="PART", references=References(message="M-17"), source=HERE)]
    for group in draw(st.lists(ids, min_size=1, max_size=3, unique=True)):
        of_group = {"group": group, "source": HERE}
        named = References(payment_information=group)
        told.append(PaymentStatus(level="group", status="PDNG", references=named, **of_group))
        for end_to_end in draw(st.lists(ids, max_size=3)):
            references = named.model_copy(update={"end_to_end": end_to_end})
            status, reasons = draw(st.sampled_from([("ACSC", False), ("RJCT", True)]))
            because = (draw(REASON),) if reasons else ()
            level = {"level": "transaction", "status": status, "reasons": because, "references": references}
            told.append(PaymentStatus.model_validate({**level, **of_group}))
    return told


@given(reports(), st.sampled_from(PAIN002))
def test_statuses_are_read_as_they_were_reported(told: list[PaymentStatus], version: str) -> None:
    items = read_messages(write_pain002(told, LETTER, ORIGINAL, version))
    again = [one for one in items if isinstance(one, PaymentStatus)]
    assert [one.model_copy(update={"source": HERE, "original": None}) for one in again] == told
    assert {(one.original.message_id, one.original.name) for one in again if one.original} == {
        ("M-17", "pain.001.001.09")
    }


cancelled = st.builds(
    Instruction,
    amount=amounts,
    group=ids,
    references=st.builds(
        References, end_to_end=ids, message=st.just("M-17"), others=st.builds(lambda said: {"CxlId": said}, ids)
    ),
    returned=st.builds(ReturnInformation, code=st.sampled_from(["DUPL", "FRAD"]), text=st.just("") | words),
    others=st.just({"original_name": "pain.001.001.09"}),
    source=st.just(HERE),
)


def asked(content: Iterator[bytes]) -> list[Instruction]:
    return [one for one in read_messages(content) if isinstance(one, Instruction)]


def essence(told: Instruction) -> tuple[object, ...]:
    """What a request to take back says of a payment."""
    refs, why = told.references, told.returned
    named = told.others.get("original_name")
    return (told.amount, refs.end_to_end, refs.others, refs.message, why and (why.code, why.text), named)


@given(st.lists(cancelled, min_size=1, max_size=4, unique_by=lambda one: one.group))
def test_payments_that_are_taken_back_are_read_as_they_were_asked(told: list[Instruction]) -> None:
    wanted = sorted(map(repr, map(essence, told)))
    by_customer, by_bank = asked(write_camt055(told, BETWEEN)), asked(write_camt056(told, BETWEEN))
    assert sorted(map(repr, map(essence, by_customer))) == wanted
    assert sorted(map(repr, map(essence, by_bank))) == wanted
    assert [one.group for one in by_customer] == [one.group for one in told]


wishes = st.builds(
    Wanted,
    request_id=ids,
    message=st.sampled_from(["camt.052.001.08", "camt.053.001.08"]),
    bank_account=accounts,
    owner=st.builds(Party, name=words),
    from_date=st.dates(date(2026, 12, 1), date(2026, 12, 31)),
    to_date=st.dates(date(2027, 1, 1), date(2027, 1, 31)),
)


@given(st.lists(wishes, min_size=1, max_size=4))
def test_what_is_asked_for_is_read_as_it_was(told: list[Wanted]) -> None:
    again = asked(write_camt060(told, LETTER))
    assert [
        (one.group, one.others["requested_message"], one.debtor, one.others["from_date"], one.others["to_date"])
        for one in again
    ] == [(one.request_id, one.message, one.owner, one.from_date.isoformat(), one.to_date.isoformat()) for one in told]
    assert [one.debtor_account and one.debtor_account.iban for one in again] == [one.bank_account.iban for one in told]


def page() -> bytes:
    writer, held = pypdf.PdfWriter(), io.BytesIO()
    writer.add_blank_page(width=100, height=100)
    writer.write(held)
    return held.getvalue()


@given(invoices())
@settings(max_examples=10, suppress_health_check=[HealthCheck.too_slow])
def test_a_pdf_says_what_its_invoice_said(invoice: Invoice) -> None:
    content = write_cii(invoice)
    made = write_facturx(page(), content)
    assert embedded_invoice(made) == content
    (again,) = read_pdf([made])
    assert same(reasons_in_the_breakdown(fitted(invoice, "cii")), again)
