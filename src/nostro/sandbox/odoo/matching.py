"""Reconciliation: partial matches, what stays open, exchange differences, and what invoices and payments say of it.

Follows `account.move.line._prepare_reconciliation_single_partial` of 18.0 and 19.0, without tax on cash basis.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import groupby

from nostro.sandbox.odoo.call import Call
from nostro.sandbox.odoo.entries import (
    SALES,
    SIDES,
    TERMS,
    accounting_date,
    add_line,
    begin,
    partials_of,
    post,
    refresh_all,
)
from nostro.sandbox.odoo.errors import Fault
from nostro.sandbox.odoo.tables import Row

_LINE, _PARTIAL = "account.move.line", "account.partial.reconcile"


def reconcile_ids(call: Call, ids: Sequence[int]) -> None:
    """`account.move.line.reconcile`: returns nothing, and lines of one sign are left as they are without a word."""
    call.need(accountant=True, what="Partial Reconcile")
    reconcile(call, call.rows(_LINE, ids))


def reconcile(call: Call, lines: Sequence[Row]) -> None:
    """Match debits with credits, oldest first, first within each currency, then across."""
    _refuse_unfit(call, lines)
    ordered = sorted(lines, key=lambda one: (one["date_maturity"] or _booked_on(call, one), *_weight(one)))
    by_currency = sorted(ordered, key=lambda one: int(one["currency_id"]))
    groups = [list(group) for _, group in groupby(by_currency, lambda one: one["currency_id"])]
    for group in [*groups, ordered] if len(groups) > 1 else groups:
        _match_group(call, [line for line in group if not line["reconciled"]])
    _number_matches(call, lines)
    refresh_all(call, lines)


def _refuse_unfit(call: Call, lines: Sequence[Row]) -> None:
    accounts = {line["account_id"] for line in lines}
    if any(line["reconciled"] for line in lines):
        raise Fault("UserError", "You are trying to reconcile some entries that are already reconciled.")
    states = {call.row("account.move", line["move_id"])["state"] for line in lines}
    if call.version < 19 and states != {"posted"}:
        raise Fault("UserError", "You can only reconcile posted entries.")
    if "cancel" in states:  # 19 matches drafts, too
        raise Fault("UserError", "You can not reconcile cancelled entries.")
    if len(accounts) > 1:
        names = ", ".join(call.label("account.account", one) for one in sorted(accounts))
        raise Fault("UserError", f"Entries are not from the same account: {names}")
    account = call.row("account.account", next(iter(accounts)))
    if not account["reconcile"] and account["account_type"] != "asset_cash":
        raise Fault("UserError", f"Account {account['code']} {account['name']} does not allow reconciliation.")


def _match_group(call: Call, lines: list[Row]) -> None:
    debits = [line for line in lines if line["balance"] > 0 or line["amount_currency"] > 0]
    credits_ = [line for line in lines if line["balance"] < 0 or line["amount_currency"] < 0]
    while debits and credits_:
        debit_done, credit_done = _match_pair(call, debits[0], credits_[0])
        debits, credits_ = debits[debit_done:], credits_[credit_done:]


@dataclass(frozen=True, slots=True)
class _Open:
    """What is left of a line in one currency, unsigned, and how many units of it one unit of the company's buys."""

    left: Decimal
    rate: Decimal


def _open_amounts(call: Call, line: Row, other: Row, own: int) -> dict[int, _Open]:
    """The currencies in which this line can be matched with the other one."""
    open_in: dict[int, _Open] = {}
    currency, wanted = line["currency_id"], other["currency_id"]
    if line["amount_residual"]:
        open_in[own] = _Open(abs(line["amount_residual"]), Decimal(1))
    if currency != own and line["amount_residual_currency"] and line["balance"]:
        rate = abs(line["amount_currency"] / line["balance"])
        open_in[currency] = _Open(abs(line["amount_residual_currency"]), rate)
    account = call.row("account.account", line["account_id"])
    if currency == own != wanted and account["account_type"] in TERMS and line["amount_residual"]:
        rate = _odoo_rate(call, line, other, wanted)
        open_in[wanted] = _Open(call.rounded(abs(line["amount_residual"]) * rate, wanted), rate)
    return open_in


def _odoo_rate(call: Call, line: Row, other: Row, currency: int) -> Decimal:
    """A payment in the other currency brings its own rate; else it is Odoo's, of the invoice's or the entry's day."""
    move = call.row("account.move", line["move_id"])
    if not _is_payment(call, line) and _is_payment(call, other) and other["balance"]:
        return Decimal(abs(other["amount_currency"] / other["balance"]))
    day = move["invoice_date"] if move["move_type"] in SALES else move["date"]
    return call.rate(currency, move["company_id"], day)


def _match_pair(call: Call, debit: Row, credit: Row) -> tuple[bool, bool]:
    """One partial match and its exchange differences; says which of the two is used up."""
    company = call.row("account.move", debit["move_id"])["company_id"]
    own = call.currency_of(company)
    of_debit, of_credit = _open_amounts(call, debit, credit, own), _open_amounts(call, credit, debit, own)
    foreign = [one for one in (debit["currency_id"], credit["currency_id"]) if one != own]
    shared = next((one for one in foreign if one in of_debit and one in of_credit), own)
    if shared not in of_debit or shared not in of_credit:
        return shared not in of_debit, shared not in of_credit
    left_debit, left_credit = of_debit[shared].left, of_credit[shared].left
    debit_done, credit_done = left_debit <= left_credit, left_credit <= left_debit
    matched = min(left_debit, left_credit)
    parts = [
        min(call.rounded(matched / opened[shared].rate, own), abs(line["amount_residual"]))
        for line, opened in ((debit, of_debit), (credit, of_credit))
    ]
    amount = min(parts)
    sides = [
        matched if line["currency_id"] == shared else _in_own_currency(call, line, own, amount)
        for line in (debit, credit)
    ]
    gaps = [
        (abs(line["amount_residual"]) if done else part) - amount
        for line, done, part in ((debit, debit_done, parts[0]), (credit, credit_done, parts[1]))
    ]
    partial = _insert(call, debit, credit, amount, (sides[0], sides[1]))
    _settle_pair(call, partial, debit, credit)
    for line, gap in ((debit, gaps[0]), (credit, -gaps[1])):
        if gap:
            _book_exchange_difference(call, partial, line, gap)
    return debit_done, credit_done


def _in_own_currency(call: Call, line: Row, own: int, matched: Decimal) -> Decimal:
    """How much of a line's own currency a match of `matched` in company currency takes."""
    if line["currency_id"] == own or not line["balance"]:
        return matched
    if matched == abs(line["amount_residual"]):
        return Decimal(abs(line["amount_residual_currency"]))
    part = call.rounded(matched * abs(line["amount_currency"] / line["balance"]), line["currency_id"])
    return min(part, Decimal(abs(line["amount_residual_currency"])))


def _insert(call: Call, debit: Row, credit: Row, amount: Decimal, sides: tuple[Decimal, Decimal]) -> Row:
    ids = {"debit_move_id": debit["id"], "credit_move_id": credit["id"]}
    company = call.row("account.move", debit["move_id"])["company_id"]
    currencies = {"debit_amount_currency": sides[0], "credit_amount_currency": sides[1]}
    newest = max(_booked_on(call, debit), _booked_on(call, credit))
    return call.insert(_PARTIAL, {**ids, **currencies, "amount": amount, "company_id": company, "max_date": newest})


def _settle_pair(call: Call, partial: Row, debit: Row, credit: Row, sign: int = 1) -> None:
    """Take a partial match off both lines' open amounts, or put it back with `sign` -1."""
    for line, side, way in ((debit, "debit", sign), (credit, "credit", -sign)):
        left = line["amount_residual"] - way * partial["amount"]
        foreign = line["amount_residual_currency"] - way * partial[f"{side}_amount_currency"]
        changes = {"amount_residual": left, "amount_residual_currency": foreign, "reconciled": not left and not foreign}
        call.update(_LINE, line, **changes)


def _book_exchange_difference(call: Call, partial: Row, line: Row, gap: Decimal) -> None:
    """Post what a fully matched line still holds in company currency to the gain or loss account, and match it."""
    move = call.row("account.move", line["move_id"])
    company = call.row("res.company", move["company_id"])
    journal = call.row("account.journal", company["exchange_journal"])
    exchange = begin(call, journal, {"date": partial["max_date"]})
    own = line["currency_id"] == company["currency_id"]
    foreign = {"currency_id": line["currency_id"], **({} if own else {"amount_currency": Decimal(0)})}
    same = {"partner_id": line["partner_id"], "name": "Currency exchange rate difference", **foreign}
    balancing = add_line(call, exchange, {**same, "account_id": line["account_id"], "balance": -gap})
    result = company["exchange_loss" if gap > 0 else "exchange_gain"]
    add_line(call, exchange, {**same, "account_id": result, "balance": gap})
    post(call, exchange)
    debit, credit = (line, balancing) if gap > 0 else (balancing, line)
    sides = abs(gap) if own else Decimal(0)
    _settle_pair(call, _insert(call, debit, credit, abs(gap), (sides, sides)), debit, credit)
    call.update(_PARTIAL, partial, exchange_move_id=exchange["id"])


# Taking back


def unmatch_ids(call: Call, ids: Sequence[int]) -> None:
    """`account.move.line.remove_move_reconcile`: allowed in a locked period too."""
    call.need(accountant=True, what="Partial Reconcile")
    unmatch(call, call.rows(_LINE, ids))


def unmatch(call: Call, lines: Iterable[Row]) -> None:
    """Undo every match of these lines; exchange entries are reversed, not deleted."""
    touched: dict[int, Row] = {}
    exchanges: list[int] = []
    for line in lines:
        for partial in partials_of(call, line):
            both = [call.row(_LINE, partial[side]) for side in SIDES]
            _settle_pair(call, partial, both[0], both[1], sign=-1)
            call.tables.delete(_PARTIAL, partial)
            if full := call.tables.of("account.full.reconcile").get(partial["full_reconcile_id"]):
                call.tables.delete("account.full.reconcile", full)
            exchanges += [partial["exchange_move_id"]] if partial["exchange_move_id"] else []
            touched.update({one["id"]: one for one in both})
    for exchange in exchanges:
        _reverse_exchange(call, call.row("account.move", exchange))
    _number_matches(call, list(touched.values()))
    refresh_all(call, touched.values())


def _reverse_exchange(call: Call, exchange: Row) -> None:
    day = accounting_date(call, exchange, exchange["date"])
    told = {"date": day, "reversed_entry_id": exchange["id"], "ref": f"Reversal of: {exchange['name']}"}
    reversal = begin(call, call.row("account.journal", exchange["journal_id"]), told)
    for line in call.lines(exchange):
        same = {key: line[key] for key in ("account_id", "currency_id", "partner_id", "name")}
        amounts = {"balance": -line["balance"], "amount_currency": -line["amount_currency"]}
        add_line(call, reversal, {**same, **amounts})
    post(call, reversal)
    unmatch(call, call.lines(exchange))
    for line, mirror in zip(call.lines(exchange), call.lines(reversal), strict=True):
        if line["amount_residual"]:
            debit, credit = (line, mirror) if line["balance"] > 0 else (mirror, line)
            amount, foreign = abs(line["balance"]), abs(line["amount_currency"])
            _settle_pair(call, _insert(call, debit, credit, amount, (foreign, foreign)), debit, credit)
            _number_matches(call, [line, mirror])


# What follows from matches


def _number_matches(call: Call, lines: Iterable[Row]) -> None:
    """`matching_number`: the full match's id, or P and the first partial's, over everything that hangs together."""
    seen: set[int] = set()
    for start in lines:
        if start["id"] in seen:
            continue
        group, partials, queue = {start["id"]: start}, {}, [start]
        while queue:
            for partial in partials_of(call, queue.pop()):
                partials[partial["id"]] = partial
                for side in SIDES:
                    line = call.row(_LINE, partial[side])
                    if line["id"] not in group:
                        group[line["id"]] = line
                        queue.append(line)
        seen |= set(group)
        full: int | bool = False
        number: str | bool = f"P{min(partials)}" if partials else False
        if partials and all(line["reconciled"] for line in group.values()):
            full = next((one["full_reconcile_id"] for one in partials.values() if one["full_reconcile_id"]), False)
            full = full or call.insert("account.full.reconcile", {})["id"]
            number = str(full)
        for partial in partials.values():
            call.update(_PARTIAL, partial, full_reconcile_id=full)
        for line in group.values():
            call.update(_LINE, line, matching_number=number, full_reconcile_id=full)


def _is_payment(call: Call, line: Row) -> bool:
    move = call.row("account.move", line["move_id"])
    return bool(move["origin_payment_id"] or move["statement_line_id"])


def _booked_on(call: Call, line: Row) -> str:
    return str(call.row("account.move", line["move_id"])["date"])


def _weight(line: Row) -> tuple[int, Decimal, Decimal]:
    return int(line["currency_id"]), line["amount_currency"], line["balance"]
