"""Invoices whose bytes are not quite what they should be."""

from __future__ import annotations

from pathlib import Path

import pytest

from nostro.formats.catalogue import tell
from nostro.formats.reading import Item
from nostro.model.invoices import Invoice
from nostro.model.statements import Reject

PAIR = Path(__file__).parents[1] / "golden" / "formats" / "read" / "ubl" / "invoice.xml"


def read_in(raw: bytes) -> list[Item]:
    """Everything that is read of an invoice's bytes."""
    return [item for told in tell(lambda: iter([raw]), "file") for item in told.items]


def test_an_invoice_whose_bytes_are_not_what_they_say_is_read_and_says_so() -> None:
    raw = PAIR.read_text(encoding="utf-8").replace("Supplier 017", "Müller 017").encode("cp1252")
    [invoice] = read_in(raw)
    assert isinstance(invoice, Invoice)
    assert "Müller" in str(invoice.seller)
    assert [check.ok for check in invoice.checks if check.name == "bytes"] == [False]


@pytest.mark.parametrize("behind", ["what an FTP server says", "<?xml version='1.0'?><Invoice/>", "<a/>"])
def test_what_follows_an_invoice_costs_nothing_but_itself(behind: str) -> None:
    whole = PAIR.read_bytes()
    invoice, reject = read_in(whole.rstrip() + b"\n" + behind.encode())
    [alone] = read_in(whole)
    assert invoice == alone
    assert isinstance(reject, Reject)
    assert "follows" in reject.why
