"""Legal entities and where their money lives, as the landscape declares them and rules know them."""

from __future__ import annotations

from datetime import time

from nostro.model.bank_days import LocalRule
from nostro.model.base import Value
from nostro.model.money import Currency
from nostro.model.parties import Address
from nostro.model.statements import Source


class HouseBankAccount(Value):
    """A bank account of ours: its IBAN or other id, and the Odoo journal that its statement lines go to."""

    id: str
    identification: str
    currency: Currency
    connection: str
    odoo_journal: int
    profile: str = "default"
    calendar: str = "TARGET"
    statement_expected_by: str = "08:00"

    def statement_rule(self, zone: str) -> LocalRule | None:
        """When a statement has to be there, on the clocks of that zone; None where none is expected."""
        by = self.statement_expected_by
        return LocalRule(by=time.fromisoformat(by), zone=zone, calendar=self.calendar) if by else None


class ProviderAccount(Value):
    """An account of ours at a payment provider, and the Odoo journal and ledger accounts that stand for it.

    `journal` registers customer payments; its payment method line must post to `clearing_account` (`nostro check
    --connect` proves it). `statement_descriptor` is what the provider's payouts say on our statements (`STRIPE`).
    """

    connection: str
    currency: Currency
    journal: int
    clearing_account: int
    fee_account: int
    fx_account: int
    reserve_account: int
    dispute_account: int
    fee_journal: int
    odoo_provider: bool = False
    statement_descriptor: str = ""


class LegalEntity(Value):
    """A company of the group. Its books have the days of `zone`, and its people are shown that time.

    `ids`: what registers call it, by scheme (`LEI`, `VAT`, `TAX`, `REGISTER`); `parent`: the company that holds it.
    `source`: where the landscape declares it, which is no part of what is in force.
    """

    id: str
    name: str = ""
    country: str
    currency: Currency
    zone: str
    calendar: str
    odoo_connection: str
    odoo_company: int
    ids: dict[str, str] = {}
    address: Address | None = None
    parent: str = ""
    bank_accounts: tuple[HouseBankAccount, ...] = ()
    provider_accounts: tuple[ProviderAccount, ...] = ()
    source: Source | None = None

    def provider(self, connection: str) -> ProviderAccount | None:
        """Our account at that provider connection."""
        for account in self.provider_accounts:
            if account.connection == connection:
                return account
        return None

    def bank_account(self, account_id: str) -> HouseBankAccount | None:
        """The bank account with that landscape id."""
        for account in self.bank_accounts:
            if account.id == account_id:
                return account
        return None
