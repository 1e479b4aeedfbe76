"""The world of a seed: an Odoo for all, and the banks and payment accounts of the companies that do business in it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from nostro.sandbox.bank import Bank, BankSettings
from nostro.sandbox.faults import FaultPlan, System
from nostro.sandbox.odoo import OdooBooks
from nostro.sandbox.psp import Psp
from nostro.sandbox.psp.errors import Refused
from nostro.sandbox.stage import ENTITIES, ODOO, START, odoo_settings
from nostro.sandbox.world import World
from tests.simulation.business import Business
from tests.simulation.disturbance import Chosen
from tests.simulation.ground import TOKEN

DOOR = "http://door/in"


class Provider(Psp):
    """Where a shop finds that what it would give back went back already, as people of the house were first."""

    def apply(self, op: Mapping[str, Any], now: datetime) -> dict[str, Any]:
        """As the provider does; and nothing, where that is all that it refuses for."""
        try:
            return super().apply(op, now)
        except Refused as refusal:
            if op["act"] == "refund" and refusal.error.get("code") == "charge_already_refunded":
                return {}
            raise


def build(business: Business, plans: dict[str, FaultPlan], without: frozenset[str]) -> World:
    """The world at its opening. `without`: the names of faults that are left out."""
    odoo = OdooBooks(odoo_settings(19, f"{DOOR}/odoo/{TOKEN}"), plans[ODOO], START)
    systems: dict[str, System] = {ODOO: odoo}
    for entity in business.companies:
        hook = f"{DOOR}/stripe-{entity.psp.name}"
        account = replace(entity.psp, seed=business.seed, webhook_url=hook)
        systems[entity.psp_path] = Provider(account, plans[entity.psp_path], START)
        name = entity.code.lower()
        bank = BankSettings(name, (entity.account,), business.seed, business.statement_faults())
        systems[entity.bank_path] = Bank(bank, plans[entity.bank_path], START)
    chart = odoo.landscape()
    results = {f"odoo/{e.code}": dict(chart[f"Entity {e.code}"]["journals"]) for e in ENTITIES}
    world = World(business.seed, START, systems, plans, business.script, results=results)
    for path, system in systems.items():
        world.faulty[path] = Chosen(path, system, plans[path], without)
    return world
