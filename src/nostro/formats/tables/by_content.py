"""A profile for a table whose columns no name tells: by what stands in them.

Money is only read so where running balances prove which column holds it and which sign it has. All else is proposed,
and asked.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from nostro.formats.tables.cells import Cell, text
from nostro.formats.tables.contents import Arrangement, Contents, contents, is_constant
from nostro.formats.tables.guesses import Guess, Proposal, date_order, decimal_mark
from nostro.formats.tables.rows import Row

_NOTHING = "No line names a column of days and one of amounts, and none holds both: say which columns they are."
_UNPROVED = "No running balance proves which column holds the amounts, and which of them are debits: say it (columns)."
_SEVERAL = "The running balances prove more than one way to read the amounts: say which (columns)."
SAME_ACCOUNT = (
    "The same account stands in each row: say whether it is the statement's (bank_account) or the other side's"
    " (counterparty_account)."
)
_MONEY = ("amount", "debit", "credit", "direction", "balance")


Named = Callable[[Iterable[Cell]], Mapping[str, int]]


def propose_contents(proposal: Proposal, rows: Sequence[Row], delimiter: str, named_in: Named) -> None:
    """Fills a proposal. `named_in`: what the names in a row tell, for the line above the entries."""
    whole = contents(rows)
    if whole is None:
        proposal.questions.append(_NOTHING)
        return
    known = named_in(whole.header.cells) if whole.header else {}
    proposal.guesses["delimiter"] = Guess({"\t": "tab"}.get(delimiter, delimiter), 0.9)
    places: dict[str, int] = {}
    _days(proposal, whole, places, known)
    settled = _money(proposal, whole, places, known)
    _accounts(proposal, whole, places, known)
    _currency(proposal, whole, places)
    words = _words(proposal, whole, places, known)
    named = _names(whole)
    columns: dict[str, Any] = {name: named[place] for name, place in places.items()}
    if words:
        columns["remittance"] = [named[place] for place in words]
    used = {*places.values(), *words}
    proposal.unused = [str(named[place]) for place in (*whole.days, *whole.amounts, *whole.ibans) if place not in used]
    has_names = any(isinstance(name, str) for one in columns.values() for name in _flat(one))
    proposal.guesses["header"] = Guess("found above the entries" if has_names else "none", 0.9)
    proposal.given = {
        "columns": columns,
        "date_order": date_order(proposal, [cell for place in _of_days(places) for cell in whole.cells(place)]),
        "decimal": decimal_mark(proposal, whole.body, places),
        "delimiter": delimiter,
        **settled,
    }
    if not has_names:
        proposal.given |= {"header": False, "skip_first": whole.body[0].line - 1}


def _of_days(places: Mapping[str, int]) -> Iterator[int]:
    return (places[name] for name in ("booking_date", "value_date") if name in places)


def _flat(one: object) -> list[object]:
    return list(one) if isinstance(one, list) else [one]


def _names(whole: Contents) -> list[str | int]:
    """The columns by name, where a header gives each its own; else by number."""
    cells = [text(cell) for cell in whole.header.cells] if whole.header else []
    width = len(whole.body[0].cells)
    return [
        cells[place] if place < len(cells) and cells[place] and cells.count(cells[place]) == 1 else place + 1
        for place in range(width)
    ]


def _days(proposal: Proposal, whole: Contents, places: dict[str, int], known: Mapping[str, int]) -> None:
    days = sorted(whole.days, key=lambda place: place != known.get("booking_date"))
    places["booking_date"] = days[0]
    proposal.guesses["booking_date"] = Guess(f"column {days[0] + 1}", 0.9)
    if len(days) == 1:
        return
    places["value_date"] = days[1]
    told = [[text(cell) for cell in whole.cells(place)] for place in days[:2]]
    if known.get("booking_date") != days[0] and (told[0] != told[1] or len(days) > 2):
        proposal.guesses["booking_date"] = Guess(f"column {days[0] + 1}", 0.5)
        proposal.questions.append("Several columns hold days: say which of them is the booking date (booking_date).")


def _money(
    proposal: Proposal, whole: Contents, places: dict[str, int], known: Mapping[str, int]
) -> Mapping[str, object]:
    """Which columns hold the amounts; asked where the running balances don't prove it."""
    ways = whole.arrangements()
    readings = {tuple(whole.signed(way)) for way in ways}
    proved = len(readings) == 1
    way = ways[0] if ways else _likely(whole, known)
    places |= way.amounts
    surely = 1.0 if proved else 0.5
    proposal.guesses |= {name: Guess(f"column {place + 1}", surely) for name, place in way.amounts.items()}
    if not proved:
        proposal.questions.append(_SEVERAL if ways else _UNPROVED)
    return {
        name: told
        for name, told in (("inverse", way.inverse), ("debits_negative", way.debits_negative))
        if told
    }  # fmt: skip


def _likely(whole: Contents, known: Mapping[str, int]) -> Arrangement:
    """What the columns of amounts would be by the habits of banks."""
    told = {name: known[name] for name in _MONEY if known.get(name) in (*whole.amounts, *whole.directions)}
    if "amount" in told or {"debit", "credit"} <= told.keys():
        return Arrangement(told, ".")
    first, *others = whole.amounts
    if others and whole.exclude(first, others[0]):
        told = {"debit": first, "credit": others[0]} | ({"balance": others[1]} if others[1:] else {})
        return Arrangement(told, ".", debits_negative=whole.is_negative(first))
    told = {"amount": first} | ({"balance": others[-1]} if others else {})
    return Arrangement(told | ({"direction": whole.directions[0]} if whole.directions else {}), ".")


def _accounts(proposal: Proposal, whole: Contents, places: dict[str, int], known: Mapping[str, int]) -> None:
    """Ours is the same in each row; the other side's isn't."""
    named = {place: name for name, place in known.items() if name in ("bank_account", "counterparty_account")}
    for place in whole.ibans:
        constant = is_constant(whole, place)
        name = "bank_account" if constant else named.get(place, "counterparty_account")
        if name in places:
            continue
        places[name] = place
        sure = named.get(place) == name or not constant or len(whole.ibans) > 1
        proposal.guesses[name] = Guess(f"column {place + 1}", 0.9 if sure else 0.5)
        if not sure:
            proposal.questions.append(SAME_ACCOUNT)


def _currency(proposal: Proposal, whole: Contents, places: dict[str, int]) -> None:
    if not whole.currencies:
        return
    places["currency"] = whole.currencies[0]
    proposal.guesses["currency"] = Guess(f"column {whole.currencies[0] + 1}", 0.9)
    told = {tuple(map(text, whole.cells(place))) for place in whole.currencies}
    if len(told) > 1:
        proposal.questions.append("Several columns hold currencies: say which is that of the amount (currency).")


def _words(proposal: Proposal, whole: Contents, places: dict[str, int], known: Mapping[str, int]) -> list[int]:
    """What the names tell of the columns of words; all others become remittance, so that none is left out."""
    named = {place: name for name, place in known.items() if name not in (*_MONEY, "remittance", "currency")}
    words: list[int] = []
    for place in whole.texts:
        name = named.get(place, "")
        if name and name not in places:
            places[name] = place
        else:
            words.append(place)
    if words:
        listed = ", ".join(str(place + 1) for place in words)
        proposal.guesses["remittance"] = Guess(f"columns {listed}", 0.5)
    return words
