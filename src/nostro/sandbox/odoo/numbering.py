"""Lock dates, the days that Odoo silently moves entries to, and document numbers."""

import calendar
from datetime import date, timedelta

from nostro.sandbox.odoo.call import Call, day
from nostro.sandbox.odoo.errors import Fault
from nostro.sandbox.odoo.tables import Row

SALES = frozenset({"out_invoice", "out_refund"})


def locked_until(call: Call, move: Row) -> str:
    """The last locked day for this entry, or an empty string."""
    company = call.row("res.company", move["company_id"])
    dates = [company["fiscalyear_lock_date"], company["hard_lock_date"]]
    if move["move_type"] in SALES:
        dates.append(company["sale_lock_date"])
    return max((str(one) for one in dates if one), default="")


def refuse_if_locked(call: Call, move: Row) -> None:
    """Raise UserError when a posted entry lies in a locked period."""
    until = locked_until(call, move)
    if move["state"] == "posted" and move["date"] <= until:
        raise Fault(
            "UserError", f"You cannot add/modify entries prior to and inclusive of: Global Lock Date ({until})."
        )


def accounting_date(call: Call, move: Row, asked: str) -> str:
    """The day that an entry is really booked on: an asked day in a locked period is replaced without a word.

    It becomes the end of the first open month where numbers begin anew each month or none was given yet, else today.
    """
    until = locked_until(call, move)
    if asked > until:
        return asked
    first, today = day(until) + timedelta(days=1), call.now.date()
    monthly = _is_monthly(call, move) or not call.tables.numbers[_family(call, move)]
    if move["move_type"] in SALES:
        return min(today, _month_end(first) if monthly else date(first.year, 12, 31)).isoformat()
    if monthly:
        past = (today.year, today.month) > (first.year, first.month)
        return (_month_end(first) if past else max(first, today)).isoformat()
    return (date(first.year, 12, 31) if today.year > first.year else max(first, today)).isoformat()


def take_name(call: Call, move: Row) -> str:
    """The next number of the entry's journal, kind and period, such as INV/2026/00001."""
    family, (year, month, _) = _family(call, move), move["date"].split("-")
    code = family.partition("/")[2]
    monthly = _is_monthly(call, move)
    prefix = f"{code}/{year}/{month}/" if monthly else f"{code}/{year}/"
    number = call.tables.take_number(f"{move['journal_id']}:{prefix}")
    if not call.tables.numbers[family]:
        call.tables.take_number(family)
    return f"{prefix}{number:0{4 if monthly else 5}d}"


def free_name(call: Call, move: Row) -> None:
    """A deleted draft's number is given to the next document."""
    if move["name"]:
        prefix, _, number = move["name"].rpartition("/")
        call.tables.free_number(f"{move['journal_id']}:{prefix}/", int(number))


def _family(call: Call, move: Row) -> str:
    """Journal and first part of the number: refunds and payments are counted apart."""
    code = call.row("account.journal", move["journal_id"])["code"]
    kind = "R" if move["move_type"] == "out_refund" else "P" if move["origin_payment_id"] else ""
    return f"{move['journal_id']}/{kind}{code}"


def _is_monthly(call: Call, move: Row) -> bool:
    return bool(call.row("account.journal", move["journal_id"])["type"] == "general")


def _month_end(first: date) -> date:
    return first.replace(day=calendar.monthrange(first.year, first.month)[1])
