"""Journal entries at Odoo: drafted and posted in batches, matched where that is wanted."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any

from nostro.connectors.kit.dialogue import Seen, Settled, answered, asked, ensure, left_standing, ready
from nostro.connectors.kit.manifest import Order
from nostro.connectors.odoo.booking import (
    Chart,
    Orders,
    Vals,
    batch,
    by_company,
    by_ref,
    chart,
    in_currency,
    matched,
    redated,
    standing,
)
from nostro.connectors.odoo.drafts import (
    MADE,
    changed_by_somebody,
    left_as_draft,
    place,
    posted_otherwise,
    taken_back,
    unposted,
    untouched,
    withdrawn_by_somebody,
)
from nostro.connectors.odoo.wire import Row, as_told, in_company, ref, say, search
from nostro.model.calls import Act, Exchange
from nostro.model.intents import RECEIVABLE_OF_MOVE, BookJournalEntry, EntryLine
from nostro.model.outcomes import Outcome, done

_MODEL = "account.move"
_FIELDS = f"ref state date name journal_id posted_before {MADE}"
_LINE = "move_id account_id partner_id name balance currency_id amount_currency write_uid write_date"


def book(orders: Orders) -> Exchange[Settled[Row]]:
    """Draft and post what is not there yet; raises `Stopped`."""
    entries = [order.intent for order in orders.values() if isinstance(order.intent, BookJournalEntry)]
    lines = [line for entry in entries for line in entry.lines]
    moves = {line.partner_of_move for line in lines if line.partner_of_move is not None}
    codes = {line.foreign.currency for line in lines if line.foreign is not None}
    known = yield from chart({entry.journal for entry in entries}, moves, codes)
    return (yield from by_company(orders, known, lambda name, entry: _vals(name, entry, known), _post, _find))


def _post(orders: Orders, vals: Mapping[str, Vals], company: int) -> Exchange[Settled[Row]]:
    """One Act drafts them, one posts them. The refused ones of either have ended."""

    def look_up(wanted: Sequence[str]) -> Exchange[Seen[Row]]:
        return (yield from _look_up([orders[name] for name in wanted]))

    def posted(wanted: Sequence[str]) -> Exchange[Seen[Row]]:
        seen = yield from look_up(wanted)
        return Seen(seen.reply, {name: row for name, row in seen.there.items() if not unposted(row)})

    def draft(missing: Sequence[str]) -> Act:
        wanted = [vals[name] for name in missing]
        return Act(say(_MODEL, "create", vals_list=wanted, context=as_told(company)), missing[0])

    def post(missing: Sequence[str]) -> Act:
        ids = [drafts.there[name]["id"] for name in missing]
        return Act(say(_MODEL, "action_post", ids=ids, context=in_company(company)), missing[0])

    drafts = yield from ensure(list(orders), look_up, ready(draft))
    found = {name: row for name, row in drafts.there.items() if name not in drafts.sent and _by_a_try_before(name, row)}
    drafts.ended |= yield from _set_right(found, vals, company)
    wanted = [name for name in orders if name in drafts.there and name not in drafts.ended]
    settled = yield from ensure(wanted, posted, ready(post))
    for name, ended in settled.ended.items():
        settled.ended[name] = left_as_draft(_MODEL, drafts.there[name]["id"], ended)
    settled.ended |= drafts.ended
    return settled


def _look_up(orders: Iterable[Order]) -> Exchange[Seen[Row]]:
    return (yield from by_ref(_MODEL, _FIELDS, orders, ["move_type", "=", "entry"]))


def _find(orders: Orders, refused: Mapping[str, Outcome]) -> Exchange[Settled[Row]]:
    """What is posted of this try. A draft, or what an earlier try has left, can't be held against what is meant."""
    settled = standing((yield from _look_up(orders.values())), refused)
    for name, row in list(settled.there.items()):
        if _by_a_try_before(name, row):
            del settled.there[name]
            here = left_as_draft(_MODEL, row["id"], refused[name])
            settled.ended[name] = here if unposted(row) else left_standing(place(_MODEL, row["id"]), refused[name])
    return settled


def _by_a_try_before(name: str, row: Row) -> bool:
    return unposted(row) or row["ref"] != name


def _set_right(found: Mapping[str, Row], vals: Mapping[str, Vals], company: int) -> Exchange[dict[str, Outcome]]:
    """Let drafts that an earlier try has left say what we mean; how it ended for those that don't.

    What a person has posted of them has to book what is meant now.
    """
    ended: dict[str, Outcome] = {}
    if not found:
        return ended
    wanted = [["move_id", "in", [row["id"] for row in found.values()]]]
    rows = yield from answered(search("account.move.line", wanted, _LINE, order="id"))
    for name, row in found.items():
        lines = [line for line in rows if ref(line["move_id"]) == row["id"]]
        if not unposted(row):
            if _booked(lines) != _booked([line for _, _, line in vals[name]["line_ids"]]):
                ended[name] = posted_otherwise(_MODEL, row["id"])
            continue
        alone = untouched(row, lines)
        if _says(row, lines, vals[name]) or (alone and row["ref"] == name):
            continue
        if alone:
            ended |= yield from _rewrite(name, row["id"], vals[name], company)
        else:
            ended[name] = changed_by_somebody(_MODEL, row["id"])
    return ended


def _rewrite(name: str, ident: int, vals: Vals, company: int) -> Exchange[dict[str, Outcome]]:
    """One Act puts the draft's day, journal and lines right."""

    def look_up(_: Sequence[str]) -> Exchange[Seen[Row]]:
        rows = yield from answered(search(_MODEL, [["id", "=", ident]], _FIELDS))
        reply = yield from asked(search("account.move.line", [["move_id", "=", ident]], _LINE, order="id"))
        right = reply.ok and bool(rows) and _says(rows[0], reply.content, vals)
        return Seen(reply, {name: rows[0]} if right else {})

    anew = {"journal_id": vals["journal_id"], "date": vals["date"], "ref": name}
    anew["line_ids"] = [[5, 0, 0], *vals["line_ids"]]
    act = Act(say(_MODEL, "write", ids=[ident], vals=anew, context=as_told(company)), name)
    settled = yield from ensure([name], look_up, ready(lambda _: act))
    return {name: left_as_draft(_MODEL, ident, outcome) for name, outcome in settled.ended.items()}


def _says(row: Row, lines: Sequence[Row], vals: Vals) -> bool:
    """Whether an entry says what we would write. Amounts in other currencies count where we give them."""
    wanted = [line for _, _, line in vals["line_ids"]]
    where = (ref(row["journal_id"]), row["date"]) == (vals["journal_id"], vals["date"])
    pinned = Counter(_pinned(line) for line in wanted if "currency_id" in line)
    return (
        where and Counter(map(_told, lines)) == Counter(map(_told, wanted)) and pinned <= Counter(map(_pinned, lines))
    )


def _told(line: Mapping[str, Any]) -> tuple[int, int, str, Decimal]:
    """What a line says, as it stands or as it is written."""
    balance = round(Decimal(str(line["balance"])), 6)
    return ref(line["account_id"]), ref(line.get("partner_id")), line["name"] or "", balance


def _booked(lines: Iterable[Mapping[str, Any]]) -> Counter[tuple[object, ...]]:
    return Counter((account, balance) for account, _, _, balance in map(_told, lines))


def _pinned(line: Mapping[str, Any]) -> tuple[object, ...]:
    return *_told(line), ref(line["currency_id"]), round(Decimal(str(line["amount_currency"])), 6)


def _vals(name: str, entry: BookJournalEntry, known: Chart) -> Vals:
    own = known.own[known.company[entry.journal]]
    lines = [[0, 0, _line(line, known, own)] for line in entry.lines]
    common = {"move_type": "entry", "journal_id": entry.journal, "date": entry.booked_on.isoformat()}
    return {**common, "ref": name, "line_ids": lines}


def _line(line: EntryLine, known: Chart, own: str) -> Vals:
    """Both amounts are given where there is a foreign one: else Odoo would work out the balance at its own rate."""
    term = known.receivable[line.partner_of_move] if line.partner_of_move is not None else None
    account = ref(term["account_id"]) if line.account == RECEIVABLE_OF_MOVE and term else line.account
    vals: Vals = {"account_id": account, "name": line.label, "balance": in_currency(line.balance, own)}
    if term is not None:
        vals["partner_id"] = ref(term["partner_id"])
    if line.foreign is not None:
        value = abs(line.foreign.value).copy_sign(line.balance.value if line.balance else line.foreign.value)
        vals |= {"currency_id": known.currency_id[line.foreign.currency], "amount_currency": Decimal(value)}
    return vals


def _finish(name: str, entry: BookJournalEntry, settled: Settled[Row]) -> Exchange[Outcome]:
    row = settled.there[name]
    if taken_back(row):
        return withdrawn_by_somebody(_MODEL, row)
    notes = redated(row["date"], entry.booked_on.isoformat())
    outcome = done(adopted=name not in settled.sent, move=row["id"], notes=notes)
    if entry.reconcile_with is None:
        return outcome
    return (yield from matched(name, outcome, row["id"], entry.reconcile_with))


book_journal_entries = batch(book, _finish)
"""Entries with our id as `ref`: one Act drafts the batch, one posts it, one more matches where that is wanted."""
