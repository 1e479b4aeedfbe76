"""Who is on stage: three companies with their banks, PSP accounts and an Odoo, and what goes wrong around them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from nostro.sandbox.bank import AccountSettings, Bank, BankSettings, StatementFault
from nostro.sandbox.faults import FaultPlan, Outage, Rates, System
from nostro.sandbox.odoo import BankJournal, CompanySetup, OdooBooks, OdooSettings, OdooUser, PspJournal
from nostro.sandbox.psp import Psp, PspSettings
from nostro.sandbox.references import iban
from nostro.sandbox.world import Act, World

START = datetime(2026, 8, 31, 4, tzinfo=UTC)
END = datetime(2026, 9, 2, 12, tzinfo=UTC)
MONDAY, TUESDAY = date(2026, 8, 31), date(2026, 9, 1)
ODOO = "odoo/main"
CLERK = "key-clerk"
"""API key of a person in the accounts department, who works in Odoo beside the house."""

_EURO = AccountSettings(
    iban("DE", "370400440532013000"), "EUR", "Entity DE", "COBADEFFXXX", "Europe/Berlin", 25_000_000, first_sequence=167
)
_FRANC = AccountSettings(
    iban("CH", "00762011623852957"),
    "CHF",
    "Entity CH",
    "UBSWCHZH80A",
    "Europe/Zurich",
    18_000_000,
    first_sequence=168,
    cumulative=True,
    own_references=True,
)
_DOLLAR = AccountSettings(
    "000123456789", "USD", "Entity US", "FRNYUS33XXX", "America/New_York", 31_000_000, "011000015", first_sequence=166
)


@dataclass(frozen=True, slots=True)
class Entity:
    """One company of the demo with its bank account and its PSP account; `code` is also the name of both systems."""

    code: str
    currency: str
    account: AccountSettings
    psp: PspSettings

    @property
    def bank_path(self) -> str:
        """Where its bank is in the world."""
        return f"bank/{self.code.lower()}"

    @property
    def psp_path(self) -> str:
        """Where its PSP account is in the world."""
        return f"psp/{self.code.lower()}"


def psp_of(code: str, account: AccountSettings, **more: Any) -> PspSettings:  # noqa: ANN401 - any field of the settings
    """The PSP account of a company that is paid out to this bank account."""
    name, currency = code.lower(), account.currency.lower()
    made = PspSettings(name, currency=currency, bank_accounts={currency: account.number}, **more)
    return replace(made, secret_key=f"sk_test_{name}", webhook_secrets=(f"whsec_{name}",))


_RATES = {"usd/eur": Decimal("0.8554"), "jpy/eur": Decimal("0.005811")}
ENTITIES = (
    Entity("DE", "EUR", _EURO, psp_of("DE", _EURO, rates=_RATES)),
    Entity("CH", "CHF", _FRANC, psp_of("CH", _FRANC, fee_percent=Decimal("2.9"), fee_fixed_minor=30, arrival_days=1)),
    Entity("US", "USD", _DOLLAR, psp_of("US", _DOLLAR, fee_percent=Decimal("2.9"), fee_fixed_minor=30)),
)
STATEMENT_FAULTS = (
    StatementFault(_EURO.number, MONDAY, "doubled", timedelta(hours=1)),
    StatementFault(_FRANC.number, MONDAY, "missing"),
    StatementFault(_DOLLAR.number, MONDAY, "restated", timedelta(hours=3)),
)


def fault_plans(seed: int) -> dict[str, FaultPlan]:
    """What goes wrong in these days: a little of everything, an outage of Odoo on Monday and of one PSP on Tuesday."""
    rates = Rates(
        slow=0.02, limited=0.01, error_before=0.02, error_after=0.02, cut_before=0.01, cut_after=0.02, cut_late=0.01
    )
    common = FaultPlan(seed, rates, latency_seconds=(0.0, 0.002), slow_seconds=(0.05, 0.2))
    psp = replace(common, webhook_lost=0.05, webhook_doubled=0.08, webhook_late=0.10)
    odoo_down = Outage(at(MONDAY, 11), at(MONDAY, 11, 25), refused=True)
    psp_down = Outage(at(TUESDAY, 9), at(TUESDAY, 9, 10))
    return {
        ODOO: replace(common, outages=(odoo_down,)),
        "psp/de": replace(psp, outages=(psp_down,)),
        "psp/ch": psp,
        "psp/us": psp,
        **{entity.bank_path: replace(common, file_halved=0.15) for entity in ENTITIES},
    }


def at(day: date, hour: int, minute: int = 0) -> datetime:
    """A UTC time of a day."""
    return datetime(day.year, day.month, day.day, hour, minute, tzinfo=UTC)


def odoo_settings(version: int, webhook_url: str = "") -> OdooSettings:
    """One database with three companies; each has a bank journal BNK1 and a PSP journal STR1."""
    rates = {"DE": (("USD", "1.1690"), ("JPY", "172.09")), "CH": (("EUR", "1.0640"),), "US": (("EUR", "0.8554"),)}
    companies = tuple(
        CompanySetup(
            f"Entity {entity.code}",
            entity.currency,
            entity.code,
            banks=(BankJournal("BNK1", account_number=entity.account.number),),
            psps=(PspJournal("STR1"),),
            rates=tuple((code, Decimal(rate)) for code, rate in rates[entity.code]),
        )
        for entity in ENTITIES
    )
    people = (OdooUser("admin", "key-admin", accountant=False, admin=True), OdooUser("nostro", "key-nostro"))
    return OdooSettings(companies, version, users=(*people, OdooUser("clerk", CLERK)), webhook_url=webhook_url)


def build_world(  # noqa: PLR0913 - a stage has this many parts, and all are named
    *,
    seed: int,
    script: Sequence[Act],
    webhooks: Mapping[str, str],
    odoo_version: int = 19,
    faults: bool = True,
    start: datetime = START,
    journal: Path | None = None,
) -> World:
    """The whole stage at its opening. `webhooks` says by name (`de`, `ch`, `us`, `odoo`) where its events go."""
    plans = fault_plans(seed)
    if not faults:
        plans = {path: plan.off() for path, plan in plans.items()}
    odoo = OdooBooks(odoo_settings(odoo_version, webhooks.get("odoo", "")), plans[ODOO], start)
    systems: dict[str, System] = {ODOO: odoo}
    systems |= psps_and_banks(ENTITIES, seed, webhooks, plans, start, STATEMENT_FAULTS if faults else ())
    chart = odoo.landscape()
    results = {f"odoo/{e.code}": dict(chart[f"Entity {e.code}"]["journals"]) for e in ENTITIES}
    return World(seed, start, systems, plans, script, journal, results)


def psps_and_banks(
    entities: Sequence[Entity],
    seed: int,
    webhooks: Mapping[str, str],
    plans: Mapping[str, FaultPlan],
    start: datetime,
    statement_faults: tuple[StatementFault, ...] = (),
) -> dict[str, System]:
    """The PSP account and the bank of each company, by path. What no plan is given for is calm."""
    calm, systems = FaultPlan(seed), dict[str, System]()
    for entity in entities:
        account = replace(entity.psp, seed=seed, webhook_url=webhooks.get(entity.psp.name, ""))
        systems[entity.psp_path] = Psp(account, plans.get(entity.psp_path, calm), start)
    for entity in entities:
        bank = BankSettings(entity.code.lower(), (entity.account,), seed, statement_faults)
        systems[entity.bank_path] = Bank(bank, plans.get(entity.bank_path, calm), start)
    return systems
