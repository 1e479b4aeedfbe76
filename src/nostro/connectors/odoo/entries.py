"""Journal entries at Odoo: drafted and posted in batches, matched where that is wanted."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, TypeVar

from nostro.connectors.kit.dialogue import Seen, Settled, Stopped, answered, asked, ensure, ready
from nostro.connectors.kit.manifest import Order
from nostro.connectors.odoo.config import OdooConfig
from nostro.connectors.odoo.matching import in_company, match
from nostro.connectors.odoo.wire import Row, label, ref, say, search
from nostro.model.calls import Act, Exchange
from nostro.model.failures import FailureKind
from nostro.model.intents import RECEIVABLE_OF_MOVE, BookJournalEntry, EntryLine
from nostro.model.money import Money
from nostro.model.outcomes import Outcome, done, failed

Wanted = TypeVar("Wanted")
_ENTRY = "ref state date name"


@dataclass(frozen=True, slots=True)
class Chart:
    """What a batch refers to, read beforehand.

    Company and currency by journal, currency by company, receivable line by move, currency id by ISO code.
    """

    company: Mapping[int, int]
    currency: Mapping[int, str]
    own: Mapping[int, str]
    receivable: Mapping[int, Row]
    currency_id: Mapping[str, int]


def chart(journals: set[int], moves: set[int], codes: set[str]) -> Exchange[Chart]:
    """Read what a batch refers to; raises `Stopped`. What is missing is missing in the chart, too."""
    books = yield from answered(search("account.journal", [["id", "in", sorted(journals)]], "company_id currency_id"))
    companies = sorted({ref(row["company_id"]) for row in books})
    owners = yield from answered(search("res.company", [["id", "in", companies]], "currency_id"))
    terms: list[Row] = []
    if moves:
        wanted = [["move_id", "in", sorted(moves)], ["account_type", "=", "asset_receivable"]]
        terms = yield from answered(
            search("account.move.line", wanted, "move_id account_id partner_id", order="id desc")
        )
    ids: list[Row] = []
    if codes:
        ids = yield from answered(search("res.currency", [["name", "in", sorted(codes)]], "name"))
    own = {row["id"]: label(row["currency_id"]) for row in owners}
    return Chart(
        company={row["id"]: ref(row["company_id"]) for row in books},
        currency={row["id"]: label(row["currency_id"]) or own[ref(row["company_id"])] for row in books},
        own=own,
        receivable={ref(row["move_id"]): row for row in terms},
        currency_id={row["name"]: row["id"] for row in ids},
    )


def by_company(names: Mapping[str, int], known: Chart) -> dict[int, list[str]]:
    """The names of orders by the company of their journal; journals that Odoo doesn't show are left out."""
    groups: dict[int, list[str]] = {}
    for name, journal in names.items():
        if journal in known.company:
            groups.setdefault(known.company[journal], []).append(name)
    return groups


def book_journal_entries(orders: Sequence[Order], _: OdooConfig) -> Exchange[Sequence[Outcome]]:
    """Entries with our id as `ref`: one Act drafts the batch, one posts it, one more matches where that is wanted."""
    intents = {order.correlation: order.intent for order in orders}
    entries = {name: intent for name, intent in intents.items() if isinstance(intent, BookJournalEntry)}
    try:
        settled = yield from book(entries)
    except Stopped as stop:
        return [stop.outcome] * len(orders)
    outcomes = []
    for order in orders:
        outcomes.append((yield from _finish(order.correlation, entries[order.correlation], settled)))  # noqa: PERF401 - no comprehension may yield
    return outcomes


def _finish(name: str, intent: BookJournalEntry, settled: Settled[Row]) -> Exchange[Outcome]:
    if name in settled.ended:
        return settled.ended[name]
    row = settled.there[name]
    outcome = done(
        adopted=name not in settled.sent, move=row["id"], notes=redated(row["date"], intent.booked_on.isoformat())
    )
    if intent.reconcile_with is None:
        return outcome
    matched = yield from match(name, row["id"], intent.reconcile_with)
    if name in matched.ended:
        return matched.ended[name]
    said = "yes" if matched.there[name].matched else "no"
    return outcome.model_copy(update={"notes": {**outcome.notes, "matched": said}})


def redated(there: str, wanted: str) -> dict[str, str]:
    """A locked period is no error to Odoo: it moves the date in silence."""
    return {} if there == wanted else {"date": there}


def book(entries: Mapping[str, BookJournalEntry]) -> Exchange[Settled[Row]]:
    """Draft and post what is not there yet; raises `Stopped`."""
    lines = [line for entry in entries.values() for line in entry.lines]
    moves = {line.partner_of_move for line in lines if line.partner_of_move is not None}
    codes = {line.foreign.currency for line in lines if line.foreign is not None}
    known = yield from chart({entry.journal for entry in entries.values()}, moves, codes)
    settled: Settled[Row] = Settled()
    vals = vals_or_ends(entries, lambda name, entry: _vals(name, entry, known), settled.ended)
    for company, names in by_company({name: entries[name].journal for name in vals}, known).items():
        drafted = yield from _draft(names, vals, company)
        settled.ended |= drafted.ended
        posted = yield from _post([name for name in names if name in drafted.there], drafted.there, company)
        settled.there |= posted.there
        settled.ended |= posted.ended
        settled.sent |= posted.sent
    return settled


def vals_or_ends(
    wanted: Mapping[str, Wanted], make: Callable[[str, Wanted], dict[str, Any]], ended: dict[str, Outcome]
) -> dict[str, dict[str, Any]]:
    """What to write for each intent; one that refers to what Odoo doesn't show, or can't be said there, has failed."""
    vals = {}
    for name, intent in wanted.items():
        try:
            vals[name] = make(name, intent)
        except KeyError as missing:
            ended[name] = failed(FailureKind.NOT_FOUND, f"Odoo does not show what this needs: {missing}.")
        except ValueError as flaw:
            ended[name] = failed(FailureKind.INVALID, str(flaw))
    return vals


def in_currency(amount: Money, wanted: str) -> Decimal:
    """The number that is written; raises `ValueError` where Odoo would read it in another currency."""
    if amount.currency != wanted:
        raise ValueError(f"The amount is in {amount.currency}, the books there are in {wanted}.")
    return amount.value


def _vals(name: str, entry: BookJournalEntry, known: Chart) -> dict[str, Any]:
    own = known.own[known.company[entry.journal]]
    lines = [[0, 0, _line(line, known, own)] for line in entry.lines]
    common = {"move_type": "entry", "journal_id": entry.journal, "date": entry.booked_on.isoformat()}
    return {**common, "ref": name, "line_ids": lines}


def _line(line: EntryLine, known: Chart, own: str) -> dict[str, Any]:
    """Both amounts are given where there is a foreign one: else Odoo would work out the balance at its own rate."""
    term = known.receivable[line.partner_of_move] if line.partner_of_move is not None else None
    account = ref(term["account_id"]) if line.account == RECEIVABLE_OF_MOVE and term else line.account
    vals: dict[str, Any] = {"account_id": account, "name": line.label, "balance": in_currency(line.balance, own)}
    if term is not None:
        vals["partner_id"] = ref(term["partner_id"])
    if line.foreign is not None:
        value = abs(line.foreign.value).copy_sign(line.balance.value if line.balance else line.foreign.value)
        vals |= {"currency_id": known.currency_id[line.foreign.currency], "amount_currency": Decimal(value)}
    return vals


def _entries_by_ref(names: Sequence[str]) -> Exchange[Seen[Row]]:
    wanted = [["ref", "in", list(names)], ["move_type", "=", "entry"]]
    reply = yield from asked(search("account.move", wanted, _ENTRY, order="id desc"))
    return Seen(reply, {row["ref"]: row for row in reply.content} if reply.ok else {})


def _draft(names: Sequence[str], vals: Mapping[str, Any], company: int) -> Exchange[Settled[Row]]:
    def act(missing: Sequence[str]) -> Act:
        wanted = [vals[name] for name in missing]
        return Act(say("account.move", "create", vals_list=wanted, context=in_company(company)), missing[0])

    return (yield from ensure(names, _entries_by_ref, ready(act)))


def _post(names: Sequence[str], drafts: Mapping[str, Row], company: int) -> Exchange[Settled[Row]]:
    def look_up(wanted: Sequence[str]) -> Exchange[Seen[Row]]:
        seen = yield from _entries_by_ref(wanted)
        return Seen(seen.reply, {name: row for name, row in seen.there.items() if row["state"] != "draft"})

    def act(missing: Sequence[str]) -> Act:
        ids = [drafts[name]["id"] for name in missing]
        return Act(say("account.move", "action_post", ids=ids, context=in_company(company)), missing[0])

    return (yield from ensure(names, look_up, ready(act)))
