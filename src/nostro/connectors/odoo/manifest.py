"""What this connector declares about Odoo."""

from __future__ import annotations

from nostro.connectors.kit.dialogue import each
from nostro.connectors.kit.manifest import Absence, Manifest, Once, Operation
from nostro.connectors.odoo.config import OdooConfig
from nostro.connectors.odoo.entries import book_journal_entries
from nostro.connectors.odoo.feed import FEEDS
from nostro.connectors.odoo.matching import reconcile
from nostro.connectors.odoo.payments import register
from nostro.connectors.odoo.read import IGNORED
from nostro.connectors.odoo.reopening import reopen_invoice
from nostro.connectors.odoo.statement_lines import book_statement_lines


def after_the_transaction(config: OdooConfig) -> Absence:
    """A call whose client is gone goes on, and commits as late as its database transaction may last."""
    return Absence(seconds=config.transaction_seconds)


_OPERATIONS = (
    Operation("register_customer_payment", each(register), Once.LOOK_UP, after_the_transaction, calls=40),
    Operation("book_statement_line", book_statement_lines, Once.LOOK_UP, after_the_transaction, batch=100, calls=800),
    Operation("book_journal_entry", book_journal_entries, Once.LOOK_UP, after_the_transaction, batch=100, calls=800),
    Operation("reconcile", each(reconcile), Once.LOOK_UP, after_the_transaction, calls=60),
    Operation("reopen_invoice", each(reopen_invoice), Once.LOOK_UP, after_the_transaction, calls=100),
)
MANIFEST = Manifest(
    name="odoo",
    title="Odoo 18 and 19, community and enterprise",
    config=OdooConfig,
    secrets=("api_key",),
    operations={operation.name: operation for operation in _OPERATIONS},
    feeds=FEEDS,
    ignored=IGNORED,
    confidential=frozenset({"partner_id", "partner_name", "account_number", "payment_ref", "memo"}),
    takes_webhooks=True,
    body_limit=65_536,
    calls_per_second=20.0,
    concurrency=2,
)
