"""Receipts as readers see them."""

from __future__ import annotations

from datetime import date

from nostro.connectors.kit.reading import ReceiptView
from nostro.landscape.calendars import zone
from nostro.model.entities import LegalEntity, ProviderAccount
from tests.conformance.driver import Outside

CONNECTION = "outside"
ZONES = {name: zone(name, date(2026, 1, 1)) for name in ("Europe/Berlin", "America/New_York")}


def entity(company: int = 1) -> LegalEntity:
    """A German entity that uses the connection, whether that is a PSP or an Odoo."""
    account = ProviderAccount(
        connection=CONNECTION,
        currency="EUR",
        journal=1,
        clearing_account=1,
        fee_account=1,
        fx_account=1,
        reserve_account=1,
        dispute_account=1,
        fee_journal=1,
    )
    return LegalEntity(
        id="DE",
        country="DE",
        currency="EUR",
        zone="Europe/Berlin",
        calendar="TARGET",
        odoo_connection=CONNECTION,
        odoo_company=company,
        provider_accounts=(account,),
    )


def receipt(outside: Outside, kind: str, body: bytes, name: str = "") -> ReceiptView:
    """What arrived over this connection just now."""
    return ReceiptView(
        id="00",
        connection=CONNECTION,
        kind=kind,
        name=name,
        received_at=outside.now,
        chunks=lambda: iter([body]),
        config=outside.config,
        entities=(entity(),),
        zones=ZONES,
    )
