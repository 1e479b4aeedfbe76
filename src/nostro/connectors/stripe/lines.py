"""Balance transactions of a payout -> its lines. Source: page "Payout reconciliation"."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from urllib.parse import parse_qs, urlsplit

from nostro.connectors.stripe.statuses import ADJUSTMENTS, LINES, OTHER_BALANCE, OWN_LINE
from nostro.connectors.stripe.wire import Thing, ident, money, told_day
from nostro.model.facts import PayoutLineReported
from nostro.model.facts.cards import LineKind
from nostro.model.money import Money


def payout_line(line: Thing, connection: str, target: str) -> PayoutLineReported | str:
    """The line as a fact, or the name of what is ignored. `target` is what was asked: only it names the payout."""
    if line["type"] == "payout":
        return OWN_LINE
    if line.get("balance_type", "payments") != "payments":
        return OTHER_BALANCE
    source, currency = line.get("source"), line["currency"]
    rate = line.get("exchange_rate")
    return PayoutLineReported(
        connection=connection,
        line_id=line["id"],
        payout_id=parse_qs(urlsplit(target).query)["payout"][0],
        kind=_kind(line),
        vendor_kind=line["type"],
        source_id=ident(source),
        charge_id=_charge_id(source),
        gross=money(line["amount"], currency),
        fee=money(line["fee"], currency),
        fee_parts=_fee_parts(line),
        net=money(line["net"], currency),
        presentment=_presentment(line, source),
        rate=None if rate is None else Decimal(str(rate)),
        available_on=told_day(line["available_on"]),
    )


def known_kind(line: Thing) -> bool:
    """Whether the line's type is in our table; an unknown one is told as `other`."""
    return line["type"] in LINES


def _kind(line: Thing) -> LineKind:
    kind = LINES.get(line["type"], "other")
    if kind == "adjustment":
        return ADJUSTMENTS.get(line.get("reporting_category", ""), kind)
    if kind == "reserve_hold" and line["amount"] > 0:
        return "reserve_release"
    return kind


def _charge_id(source: object) -> str:
    """The charge that a charge, refund or dispute is about; empty for anything else."""
    if isinstance(source, Mapping):
        return ident(source) if source.get("object") == "charge" else ident(source.get("charge"))
    name = ident(source)
    return name if name.startswith(("ch_", "py_")) else ""


def _fee_parts(line: Thing) -> dict[str, Money]:
    parts: dict[str, Money] = {}
    for part in line.get("fee_details") or ():
        taken = money(part["amount"], part["currency"])
        parts[part["type"]] = parts[part["type"]] + taken if part["type"] in parts else taken
    return parts


def _presentment(line: Thing, source: object) -> Money | None:
    """What the payer saw, in the payer's currency and with the line's sign, where it was converted."""
    if not isinstance(source, Mapping) or source.get("currency", line["currency"]) == line["currency"]:
        return None
    told = source.get("amount_captured") or source["amount"]
    seen = money(abs(told), source["currency"])
    return -seen if line["amount"] < 0 else seen
