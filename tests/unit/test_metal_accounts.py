"""Accounts in metals and units of account: codes of ISO 4217 that have no minor unit."""

from __future__ import annotations

from decimal import Decimal

import pytest

from nostro.model.money import InexactAmountError
from tests.unit import test_swift_mt_statement as mt
from tests.unit.test_camt import document, entry, one_entry


@pytest.mark.parametrize("code", ["XAU", "XDR"])
def test_metals_and_units_of_account_are_told_and_never_become_money(code: str) -> None:
    told = one_entry(document(entry("1.23456")).replace(b"'EUR'", f"'{code}'".encode())).amount
    assert (told.value, told.currency, told.is_finer) == (Decimal("1.23456"), code, True)
    with pytest.raises(InexactAmountError, match="no smallest unit"):
        told.to_money()


def test_a_metal_account_has_as_many_digits_as_the_bank_tells() -> None:
    gold = (mt.HEAD + ":61:260831C1,234NTRFNONREF\n" + mt.END.format(closing="101,234")).replace("EUR", "XAU")
    items = mt.read(gold)
    assert (str(mt.only(items).amount.value), mt.only(items).amount.currency) == ("1.234", "XAU")
    assert (mt.failed(items), mt.rejects(items)) == ([], [])
