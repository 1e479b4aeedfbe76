"""What is settled about one Odoo database before it is used: version, users, companies, journals."""

from dataclasses import dataclass
from decimal import Decimal


@dataclass(frozen=True, slots=True)
class OdooUser:
    """A user with an API key. On community even the administrator is no accountant until somebody makes him one."""

    login: str
    key: str
    accountant: bool = True
    """Member of `account.group_account_user`."""
    admin: bool = False
    """Member of `base.group_system`."""
    biller: bool = False
    """Member of `account.group_account_invoice` only: invoices and payments, no bank lines."""


@dataclass(frozen=True, slots=True)
class BankJournal:
    """A journal of type bank with its own bank ledger account. `currency` is empty when it is the company's."""

    code: str
    currency: str = ""
    account_number: str = ""


@dataclass(frozen=True, slots=True)
class PspJournal:
    """A journal of type bank whose payment methods post to a clearing account of its own."""

    code: str
    currency: str = ""


@dataclass(frozen=True, slots=True)
class CompanySetup:
    """One company with a small chart. `rates` are Odoo's: units of a currency that one of the company's buys."""

    name: str
    currency: str
    country: str = "DE"
    banks: tuple[BankJournal, ...] = (BankJournal("BNK1"),)
    psps: tuple[PspJournal, ...] = ()
    rates: tuple[tuple[str, Decimal], ...] = ()


_USERS = (OdooUser("admin", "key-admin", accountant=False, admin=True), OdooUser("nostro", "key-nostro"))


@dataclass(frozen=True, slots=True)
class OdooSettings:
    """One database. Version 18 speaks `/jsonrpc` only, 19 also `/json/2`."""

    companies: tuple[CompanySetup, ...]
    version: int = 19
    database: str = "odoo"
    uuid: str = "00000000-0000-4000-8000-000000000001"
    users: tuple[OdooUser, ...] = _USERS
    webhook_url: str = ""
    """Where the base_automation rule on `account.move` posts to; empty when nobody set one up."""
