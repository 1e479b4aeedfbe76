"""A profile for a table that nobody declared: proposed from its first rows, with what was guessed and what can't be.

A proposal with open questions is never used. One without is, and every statement read through it says so.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from decimal import Decimal
from itertools import islice, takewhile
from typing import Any

from pydantic import ValidationError

from nostro.formats.reading import BEGINNING_BYTES, Beginning, Unreadable
from nostro.formats.tables.by_content import SAME_ACCOUNT, propose_contents
from nostro.formats.tables.cells import Cell, currency_beside, name_of, number, text
from nostro.formats.tables.chain import Chain
from nostro.formats.tables.code_pages import Decoding
from nostro.formats.tables.contents import FEWEST_ALIKE, contents, is_day, is_iban, share
from nostro.formats.tables.guesses import Guess, Proposal, date_order, decimal_mark
from nostro.formats.tables.profile import CREDIT_WORDS, DEBIT_WORDS, Profile
from nostro.formats.tables.row_words import balance_of_row, state_of
from nostro.formats.tables.rows import ZIP, Row, text_rows
from nostro.formats.tables.words import currency_in, gives_way, meaning_of
from nostro.formats.text import lines
from nostro.model.money import EXPONENTS

ROWS = 200
"""Rows that a proposal is made from."""
_DELIMITERS = (";", ",", "\t", "|")
_HEADER_WITHIN = 60
_MOST = 0.5
"""So many of the lines hold a day and an amount in a table that no line names the columns of."""


def propose(beginning: Beginning) -> Proposal:
    """A proposal for the beginning of a CSV. Of an XLSX, which can't be read in part, `propose_rows` makes one."""
    if beginning.raw.startswith(ZIP):
        return Proposal(questions=["A workbook can't be read in part: its rows are needed."])
    decoding = Decoding.of(beginning.raw)
    lines = decoded_lines(beginning, decoding)
    delimiter = delimiter_of(lines)
    proposal = propose_rows(list(text_rows(enumerate(lines, start=1), delimiter)), delimiter)
    return with_encoding(proposal, decoding)


def with_encoding(proposal: Proposal, decoding: Decoding) -> Proposal:
    """The proposal with the code page that was guessed, where one was."""
    if decoding.guess is not None:
        proposal.guesses["encoding"] = decoding.guess
        proposal.given["encoding"] = decoding.guess.value
    return proposal


def decoded_lines(beginning: Beginning, decoding: Decoding) -> list[str]:
    """The whole lines of a file's beginning."""
    found = [line for _, line in lines([beginning.raw], read=decoding)]
    return found[:-1] if len(beginning.raw) >= BEGINNING_BYTES else found


def delimiter_of(given: Sequence[str]) -> str:
    """The delimiter that finds most known column names on one line; else that of most rows with a day and an amount,
    and of those the one that stands most often.
    """

    def known(delimiter: str) -> tuple[int, float, int]:
        rows = list(text_rows(enumerate(given[:_HEADER_WITHIN]), delimiter))
        named = max((len(_named(row.cells)) for row in rows), default=0)
        return named, share(rows), sum(line.count(delimiter) for line in given[:_HEADER_WITHIN])

    return max(_DELIMITERS, key=known)


def is_table(beginning: Beginning) -> bool:
    """Whether a line names a column of days and one of amounts, or most hold both; a workbook is one by its parts."""
    if beginning.raw.startswith(ZIP):
        return b"xl/" in beginning.raw
    if beginning.is_xml or "\x00" in beginning.text[:4096]:
        return False
    given = decoded_lines(beginning, Decoding.of(beginning.raw))
    first = list(islice(text_rows(enumerate(given, start=1), delimiter_of(given)), _HEADER_WITHIN))
    return any(_is_header(_named(row.cells)) for row in first) or (share(first) > _MOST and contents(first) is not None)


def propose_rows(rows: Sequence[Row], delimiter: str = "") -> Proposal:
    """A proposal for a table's first rows."""
    proposal = Proposal()
    header = next((row for row in rows[:_HEADER_WITHIN] if _is_header(_named(row.cells))), None)
    if header is None:
        propose_contents(proposal, rows[:ROWS], delimiter, _named)
        return _completed(proposal)
    places = _named(header.cells)
    below = [row for row in _first_table(rows, header) if not balance_of_row(row.cells)]
    if not any(_has_day(row, places) for row in below):
        places["booking_date"] = _named(header.cells, best=False)["booking_date"]
    body = [row for row in below if _has_day(row, places)][:ROWS]
    if "currency" not in places and (said := _values(body, places, "value_date") - {""}) and said <= EXPONENTS.keys():
        # `Valuta` is the value date in German, and the currency in Swedish.
        places["currency"] = places.pop("value_date")
    proposal.guesses["header"] = Guess(f"line {header.line}", 0.9)
    _ask_for_booking_date(proposal, header, places, body)
    _settle_words(body, places)
    _find_states(header, body, places)
    given = proposal.given
    given |= {"columns": {}, "delimiter": delimiter}
    given["currency"] = _told_currency(proposal, header, body, places)
    given["date_order"] = date_order(proposal, _days(header, places, body))
    given["decimal"] = decimal_mark(proposal, body, places)
    if {"currency", "original_amount"} <= set(places) and "original_currency" not in places:
        proposal.questions.append("The currency can be that of the amount or of the original one: say which.")
    if "counterparty_account" not in places and len(_values(body, places, "bank_account")) > 1:
        proposal.questions.append("The account's column can be that of the statement or of the other side: say which.")
    others = _values(body, places, "counterparty_account")
    ours = "" if "bank_account" in places else _account_above(rows, header)
    if ours:
        proposal.guesses["bank_account"] = Guess(ours, 0.9)
        given["bank_account"] = ours
    elif "bank_account" not in places and len(others) == 1 and len(body) >= FEWEST_ALIKE and all(others):
        proposal.questions.append(SAME_ACCOUNT)
    _settle_fee(proposal, header, body, places)
    given["columns"] = _columns(header, places)
    proposal.unused = _unused(header, body, places)
    if not proposal.questions:
        given |= _signs(proposal, body, places, given["decimal"])
    return _completed(proposal)


def _first_table(rows: Sequence[Row], header: Row) -> Iterable[Row]:
    """The rows below a header, up to where another one names other columns, or these once more."""
    below = (row for row in rows if row.line > header.line)
    return takewhile(lambda row: not _is_header(_named(row.cells)), below)


def _account_above(rows: Sequence[Row], header: Row) -> str:
    """The IBAN that a bank writes above its table: whose statement it is. Of several it is none."""
    cells = [text(cell).rpartition(":")[2] for row in rows if row.line < header.line for cell in row.cells]
    found = {"".join(said.split()).upper() for said in cells if is_iban(said)}
    return found.pop() if len(found) == 1 else ""


def _ask_for_booking_date(proposal: Proposal, header: Row, places: dict[str, int], body: Sequence[Row]) -> None:
    """Where only a value date is known by its name, the day of booking may stand in another column."""
    if meaning_of(text(header.cells[places["booking_date"]])) != "value_date":
        return
    for place, name in enumerate(header.cells):
        cells = [_told(row, {"": place}, "") for row in body]
        days = [is_day(cell) for cell in cells if text(cell)]
        if place not in places.values() and days and all(days):
            proposal.questions.append(f"The day of booking can be that of the column {text(name)[:40]}: say which.")


def _days(header: Row, places: dict[str, int], body: Sequence[Row]) -> list[Cell]:
    """The cells that prove the order of dates: those of the booking, and of every other column of days."""
    cells = [row.cells[places["booking_date"]] for row in body]
    for place, name in enumerate(header.cells):
        if place != places["booking_date"] and meaning_of(text(name)) in ("booking_date", "value_date"):
            others = [cell for row in body if text(cell := _told(row, {"": place}, ""))]
            cells += others if all(map(is_day, others)) else []
    return cells


def _settle_words(body: Sequence[Row], places: dict[str, int]) -> None:
    """A column of types that says nothing but debit and credit, beside amounts without signs, tells the direction.
    One of states, of which nobody knows any, tells something else. A payer or a payee alone is the other side.
    """
    types = {said.casefold() for said in _values(body, places, "code")}
    unsigned = not any({*said} & {*"-(\u2212"} for said in _values(body, places, "amount"))
    known = {"amount", "code"} <= places.keys() and bool(body) and types <= {*DEBIT_WORDS, *CREDIT_WORDS}
    if known and unsigned and "direction" not in places:
        places["direction"] = places.pop("code")
    states = _values(body, places, "status") - {""}
    if states and not any(map(state_of, states)):
        del places["status"]
    sides = [name for name in ("payer", "payee") if name in places]
    if len(sides) == 1:
        places.setdefault("counterparty", places.pop(sides[0]))


def _find_states(header: Row, body: Sequence[Row], places: dict[str, int]) -> None:
    """A column of another name in which nothing but states stands: savings banks in Germany call it `Info`."""
    for place, name in enumerate(header.cells if "status" not in places else ()):
        said = _values(body, {"": place}, "") - {""}
        free = place not in places.values() and meaning_of(text(name)) != "remittance"
        if free and said and all(map(state_of, said)):
            places["status"] = place
            return


def _settle_fee(proposal: Proposal, header: Row, body: Sequence[Row], places: dict[str, int]) -> None:
    """Whether the amounts are without the fees beside them: running balances prove it, or it is asked."""
    place, decimal = places.pop("fee", None), proposal.given["decimal"]
    fees = {"fee": place} if place is not None else {}
    if not any({*said} & {*"123456789"} for said in _values(body, fees, "fee")):
        return
    net = "amount" in places and name_of(header.cells[places["amount"]]) in ("net", "netto", "netamount")
    without, beside = (_proved_inverse(body, places | told, decimal) is not None for told in ({}, fees))
    if net or (without and not beside):
        return
    places |= fees
    if without or not beside:
        proposal.questions.append("Fees stand beside the amounts: keep that column (fee) where the amounts lack them.")
    proposal.guesses["fee"] = Guess(text(header.cells[places["fee"]]), 1.0)


def _unused(header: Row, body: Sequence[Row], places: dict[str, int]) -> list[str]:
    """The columns in which something stands that nothing is made of."""
    names = {place: text(cell) for place, cell in enumerate(header.cells) if place not in places.values()}
    words = {place: name for place, name in names.items() if name and meaning_of(name) != "remittance"}
    return [name for place, name in words.items() if any(text(_told(row, {"": place}, "")) for row in body)]


def _completed(proposal: Proposal) -> Proposal:
    """With the profile that its fields make."""
    try:
        proposal.profile = Profile.model_validate(proposal.given) if proposal.given else None
    except ValidationError:
        proposal.questions.append("The columns of amounts could not be told apart.")
    return proposal


def _named(cells: Iterable[Cell], *, best: bool = True) -> dict[str, int]:
    """What the known names in a row stand for; of several the first, or the `best`: that which does not give way."""
    found: dict[str, int] = {}
    names: dict[str, str] = {}
    for place, cell in enumerate(cells):
        meaning = meaning_of(cell) if isinstance(cell, str) and len(cell) < 80 else ""
        if meaning and (meaning not in found or (best and gives_way(names[meaning]) and not gives_way(text(cell)))):
            found[meaning], names[meaning] = place, text(cell)
    if "booking_date" not in found and "value_date" in found:
        found["booking_date"] = found.pop("value_date")
    return found


def _is_header(places: dict[str, int]) -> bool:
    return "booking_date" in places and ("amount" in places or {"debit", "credit"} <= set(places))


def _has_day(row: Row, places: dict[str, int]) -> bool:
    place = places["booking_date"]
    return place < len(row.cells) and any(letter.isdigit() for letter in text(row.cells[place]))


def _columns(header: Row, places: dict[str, int]) -> dict[str, Any]:
    """The columns by name; all that tell words become remittance."""
    names: dict[str, Any] = {meaning: text(header.cells[place]) for meaning, place in places.items()}
    words = [text(cell) for cell in header.cells if meaning_of(text(cell)) == "remittance"]
    names["remittance"] = list(dict.fromkeys(words))
    if "amount" in names:
        names.pop("debit", None)
        names.pop("credit", None)
    return {name: said for name, said in names.items() if said}


def _signs(proposal: Proposal, body: Sequence[Row], places: dict[str, int], decimal: str) -> dict[str, Any]:
    """What makes a debit: words, a minus, or the column. A chain of balances proves it."""

    def column(name: str) -> list[Decimal]:
        place = places.get(name)
        cells = [row.cells[place] for row in body if place is not None and place < len(row.cells)]
        return [value for cell in cells if (value := number(cell, decimal)) is not None and value]

    if "amount" not in places:
        signs = Counter(value < 0 for value in column("debit"))
        if len(signs) > 1:
            proposal.questions.append(
                "The debits have both signs: say what a minus among them means (debits_negative)."
            )
        proposal.guesses["debits_negative"] = Guess(str(bool(signs[True])), 0.9)
        return {"debits_negative": bool(signs[True])}
    if "direction" in places:
        place = places["direction"]
        first = next((row.cells[place] for row in body if place < len(row.cells)), "")
        proposal.guesses["direction"] = Guess(text(first), 0.9)
        return {}
    inverse = _proved_inverse(body, places, decimal)
    if inverse is None and body and all(value > 0 for value in column("amount")):
        proposal.questions.append("All amounts are positive: say which of them are debits (inverse, or a column).")
    proposal.guesses["inverse"] = Guess(str(bool(inverse)), 0.5 if inverse is None else 1.0)
    return {"inverse": bool(inverse)}


def _told_currency(proposal: Proposal, header: Row, body: Sequence[Row], places: dict[str, int]) -> str:
    """The currency that the amounts' column tells in its name, or that stands beside each of them."""
    named = [name for name in ("amount", "debit", "credit") if name in places]
    found = next((told for name in named if (told := currency_in(text(header.cells[places[name]])))), "")
    if not found and "currency" not in places:
        beside = {currency_beside(cell) for row in body for name in named if text(cell := _told(row, places, name))}
        found = beside.pop() if len(beside) == 1 else ""
    if found:
        proposal.guesses["currency"] = Guess(found, 0.9)
    return found


def _values(body: Sequence[Row], places: dict[str, int], name: str) -> set[str]:
    """The different texts in a column."""
    place = places.get(name)
    return {text(row.cells[place]) for row in body if place is not None and place < len(row.cells)}


def _told(row: Row, places: dict[str, int], name: str) -> Cell:
    place = places.get(name)
    return row.cells[place] if place is not None and place < len(row.cells) else ""


def _proved_inverse(body: Sequence[Row], places: dict[str, int], decimal: str) -> bool | None:
    """Whether the running balances prove that positive amounts are debits; None when they prove nothing."""
    if not {"amount", "balance"} <= places.keys():
        return None
    chains = {False: Chain(), True: Chain()}
    for row in body:
        if state_of(text(_told(row, places, "status"))) != "booked":
            continue
        try:
            amount, balance, fee = (number(_told(row, places, name), decimal) for name in ("amount", "balance", "fee"))
        except Unreadable:
            return None
        for inverse, chain in chains.items():
            signed = -(amount or Decimal(0)) if inverse else amount or Decimal(0)
            chain.add(signed - abs(fee or Decimal(0)), balance, row.line)
    held = [inverse for inverse, chain in chains.items() if chain.counted and not chain.broken()]
    return held[0] if len(held) == 1 else None
