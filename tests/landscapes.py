"""Landscapes on disk for tests: the one that `nostro init` writes, and a group of three companies."""

from __future__ import annotations

from pathlib import Path

from nostro.connectors.registry import CONNECTORS
from nostro.landscape.schema import schemas
from nostro.landscape.starting import begin

PUBLISHED = "2026-08-31T04:00:00+00:00"
ENTITIES = """
entities:
  - {id: DE, country: DE, currency: EUR, zone: Europe/Berlin, calendar: TARGET, odoo_connection: odoo-main,
     odoo_company: 1, bank_accounts: [{id: de-main, identification: DE02120300000000202051, currency: EUR,
     connection: bank-de, odoo_journal: 7}], provider_accounts: [{connection: stripe-de, currency: EUR,
     journal: 12, clearing_account: 101, fee_account: 102, fx_account: 103, reserve_account: 104, dispute_account: 105,
     fee_journal: 13}]}
  - {id: CH, country: CH, currency: CHF, zone: Europe/Zurich, calendar: SIC, odoo_connection: odoo-main,
     odoo_company: 2, bank_accounts: [{id: ch-main, identification: CH9300762011623852957, currency: CHF,
     connection: bank-ch, odoo_journal: 27, calendar: SIC, statement_expected_by: "07:00"}], provider_accounts: [{
     connection: stripe-ch, currency: CHF, journal: 32, clearing_account: 201, fee_account: 202, fx_account: 203,
     reserve_account: 204, dispute_account: 205, fee_journal: 33}]}
  - {id: US, country: US, currency: USD, zone: America/New_York, calendar: Fedwire, odoo_connection: odoo-main,
     odoo_company: 3, bank_accounts: [{id: us-main, identification: "000123456789", currency: USD, connection: bank-us,
     odoo_journal: 47, calendar: Fedwire}], provider_accounts: [{connection: stripe-us, currency: USD, journal: 52,
     clearing_account: 301, fee_account: 302, fx_account: 303, reserve_account: 304, dispute_account: 305,
     fee_journal: 53}]}
"""
PEOPLE = """
people:
  - {id: clerk, roles: [clerk], os_user: one}
  - {id: treasurer, roles: [treasurer], os_user: two}
  - {id: controller, roles: [controller], os_user: three}
  - {id: leaver, roles: [controller], os_user: four, until: 2026-08-30}
rights:
  - {role: clerk, acts: [match, close, rerun, refuse], entities: [DE, CH], limits: {EUR: "10000", CHF: 500}}
  - {role: treasurer, acts: [approve, refuse], entities: [DE], limits: {EUR: 5000.50}}
  - role: controller
    acts: [approve, refuse, confirm, match, close, rerun, publish]
    entities: ["*"]
    limits: unlimited
"""


def starting(folder: Path) -> Path:
    """What `nostro init` writes."""
    begin(folder, "one", lambda count: b"k" * count, schemas(CONNECTORS))
    return folder


def group(folder: Path, mode: str = "act") -> Path:
    """DE in EUR, CH in CHF, US in USD: one Odoo, a payment provider and a bank folder each."""
    starting(folder)
    (folder / "entities.yaml").write_text(ENTITIES)
    (folder / "people.yaml").write_text(PEOPLE)
    for code in ("ch", "us"):
        for file in ("connections/stripe-de", "connections/bank-de", "interfaces/stripe-de", "interfaces/bank-de"):
            text = (folder / f"{file}.yaml").read_text().replace("-de", f"-{code}").replace("_DE_", f"_{code.upper()}_")
            (folder / f"{file.removesuffix('de')}{code}.yaml").write_text(text)
    for path in (*folder.glob("connections/*.yaml"), *folder.glob("interfaces/*.yaml")):
        path.write_text(path.read_text().replace("mode: observe", f"mode: {mode}"))
    return folder


def edit(folder: Path, file: str, old: str, new: str) -> None:
    """Changes a file; the old text has to be there."""
    text = (folder / file).read_text()
    assert old in text, f"{file} does not hold {old!r}"
    (folder / file).write_text(text.replace(old, new))
