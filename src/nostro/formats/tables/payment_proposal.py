"""A profile for a list of payments that nobody declared: what its column names tell, and what a person must add."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar, get_args

from nostro.formats.reading import Unreadable
from nostro.formats.tables.cells import Cell, day, name_of, number, text
from nostro.formats.tables.guesses import ProfileNeeded, quoted
from nostro.formats.tables.payment_contents import payment_contents
from nostro.formats.tables.payments import PaymentColumns, PaymentProfile
from nostro.formats.tables.profile import DateOrder
from nostro.formats.tables.rows import Row
from nostro.formats.tables.words import currency_in, meaning_of
from nostro.model.failures import FormatRefused

Way = TypeVar("Way", DateOrder, str)
_HEADER_WITHIN = 60
_SEVERAL = ("remittance", "creditor_address")
_LEAST_NAMED = 2
_AS_IN_STATEMENTS: Mapping[str, str] = {
    "counterparty": "creditor", "counterparty_account": "creditor_account", "counterparty_bic": "creditor_bic",
    "booking_date": "execution_date", "value_date": "execution_date", "bank_account": "debtor_account",
    "amount": "amount", "currency": "currency", "remittance": "remittance", "reference": "end_to_end",
    "end_to_end": "end_to_end",
}  # fmt: skip
_NAMES: Mapping[str, str] = {
    "creditor": """
        creditor | creditor name | supplier | supplier name | vendor | vendor name | payee | payee name | beneficiary |
        beneficiary name | receiver | recipient | name | lieferant | kreditor | empfanger | zahlungsempfanger |
        fournisseur | beneficiaire | proveedor | beneficiario | fornitore | leverancier | begunstigde""",
    "creditor_account": """
        creditor account | creditor iban | supplier iban | vendor iban | payee account | payee iban | iban |
        beneficiary iban | account | account number | bank account | empfanger iban | iban empfanger | kontonummer |
        iban fournisseur | iban beneficiaire | iban beneficiario | iban leverancier""",
    "creditor_bic": "creditor bic | bic | swift | swift code | bic code | beneficiary bic | payee bic",
    "creditor_clearing_id": """
        routing number | aba | routing | sort code | clearing id | clearing number | bank code | blz | transit""",
    "creditor_street": "street | street name | strasse | rue | calle | via | indirizzo | straat",
    "creditor_building": "building | building number | house number | hausnummer | nr | numero civico | huisnummer",
    "creditor_postcode": "postcode | postal code | zip | zip code | plz | postleitzahl | code postal | cap | cp",
    "creditor_town": "town | city | ort | stadt | ville | ciudad | citta | plaats",
    "creditor_region": "region | state | province | bundesland | provincia",
    "creditor_country": "country | country code | land | pays | pais | paese | staat",
    "creditor_address": """
        address | address 1 | address 2 | address line | address line 1 | address line 2 | adresse | direccion""",
    "debtor": "debtor | debtor name | payer | ordering party | auftraggeber | donneur d ordre | ordenante | ordinante",
    "debtor_account": """
        debtor account | debtor iban | from account | from iban | our account | our iban | ordering account |
        auftraggeber iban | iban auftraggeber | iban ordinante | iban ordenante""",
    "debtor_bic": "debtor bic | our bic | from bic",
    "execution_date": """
        execution date | requested execution date | payment date | due date | pay on | pay date | ausfuhrungsdatum |
        ausfuhrung | zahlungsdatum | falligkeit | date d execution | echeance | fecha de pago | data esecuzione |
        scadenza | uitvoerdatum""",
    "amount": "amount due | amount to pay | payment amount | total | zahlbetrag | montant a payer",
    "end_to_end": "end to end | payment id | payment reference | e2e",
    "structured": """
        creditor reference | structured reference | qr reference | rf reference | referenznummer |
        structured communication""",
    "remittance": """
        invoice | invoice number | invoice no | remittance | remittance information | rechnung | rechnungsnummer |
        facture | factura | fattura | factuur""",
    "charge_bearer": "charges | charge bearer | entgelt | frais",
    "service_level": "service level",
    "purpose": "purpose code",
    "category_purpose": "category purpose",
    "cheque_number": "cheque number | check number | cheque | check | check no",
}
_WORDS: Mapping[str, str] = {
    name_of(name): meaning for meaning, names in _NAMES.items() for name in names.split("|") if name_of(name)
}
_NEEDED: Mapping[str, str] = {
    "amount": "which column holds what is to be paid",
    "creditor": "which column names who is paid",
    "creditor_account": "which column holds the payee's IBAN or account number (not for cheques)",
    "execution_date": "a column, or one day for all under same (2026-11-30)",
    "debtor": "our name: a column, or under same",
    "debtor_account": "our IBAN: a column, or under same",
    "currency": "a column, or one for all beside decimal",
}


def proposed_payments(rows: Sequence[Row], delimiter: str) -> PaymentProfile:
    """The profile that the column names tell. Raises `ProfileNeeded` with a proposal where something is open."""
    header = max(rows[:_HEADER_WITHIN], key=lambda row: len(_named(row.cells)), default=None)
    places = _named(header.cells) if header else {}
    if header is None or len(places) < _LEAST_NAMED:
        raise _unnamed(rows, delimiter)
    columns = _columns(header.cells, places)
    body = [row for row in rows if row.line > header.line]
    orders = _fitting([_cell(row, places.get("execution_date")) for row in body], day, get_args(DateOrder))
    marks = _fitting([_cell(row, places.get("amount")) for row in body], number, (".", ","))
    currency = currency_in(text(header.cells[places["amount"]])) if "amount" in places else ""
    cheques = "cheque_number" in places
    known = {*places, *(["currency"] if currency else []), *(["creditor_account"] if cheques else [])}
    missing = [name for name in _NEEDED if name not in known]
    if missing or len(orders) != 1 or len(marks) != 1:
        unused = [said for cell in header.cells if (said := text(cell)) and said not in _flat(columns)]
        named = ", ".join(missing) or "the order of its dates or the decimal mark"
        raise ProfileNeeded(
            f"This table tells no payments by itself; not recognised: {named}.", "--table",
            _yaml(columns, (orders, marks), (delimiter, currency), missing, unused),
        )  # fmt: skip
    return PaymentProfile(
        columns=PaymentColumns.model_validate(columns), date_order=orders[0], decimal=marks[0], delimiter=delimiter,
        currency=currency, method="cheque" if cheques else "credit_transfer",
    )  # fmt: skip


def _unnamed(rows: Sequence[Row], delimiter: str) -> FormatRefused:
    """What is said of columns without names. By their content alone nobody is paid: a person looks at the proposal."""
    whole = payment_contents(rows)
    if whole is None:
        return FormatRefused("This is no list of payments: no line names its columns.", "Name them in a first line.")
    columns = whole.columns
    days, amounts = (whole.cells(columns[name] - 1) if name in columns else [] for name in ("execution_date", "amount"))
    ways = _fitting(days, day, get_args(DateOrder)), _fitting(amounts, number, (".", ","))
    missing = [name for name in _NEEDED if name not in columns]
    first = whole.body[0].line
    where = ["header: false", *([f"skip_first: {first - 1}"] if first > 1 else [])]
    proposal = "\n".join([_yaml(columns, ways, (delimiter, ""), missing, whole.unused), *where])
    return ProfileNeeded(
        "No line of this table names its columns; they are guessed by what is in them.", "--table", proposal
    )


def _meaning(cell: Cell) -> str:
    if not isinstance(cell, str) or len(cell) > 80:
        return ""
    return _WORDS.get(name_of(cell)) or _AS_IN_STATEMENTS.get(meaning_of(cell), "")


def _named(cells: Sequence[Cell]) -> dict[str, int]:
    """What the names in a row stand for; the first of several."""
    found: dict[str, int] = {}
    for place, cell in enumerate(cells):
        if meaning := _meaning(cell):
            found.setdefault(meaning, place)
    return found


def _columns(cells: Sequence[Cell], places: Mapping[str, int]) -> dict[str, Any]:
    found: dict[str, Any] = {name: text(cells[place]) for name, place in places.items()}
    for name in _SEVERAL:
        several = [text(cell) for cell in cells if _meaning(cell) == name]
        found |= {name: several} if several else {}
    return found


def _flat(columns: Mapping[str, Any]) -> set[str]:
    return {one for said in columns.values() for one in (said if isinstance(said, list) else [said])}


def _cell(row: Row, place: int | None) -> Cell:
    return row.cells[place] if place is not None and place < len(row.cells) else ""


def _fitting(cells: Sequence[Cell], read: Callable[[Cell, Way], object], ways: Sequence[Way]) -> list[Way]:
    """The ways in which all the cells can be read; one stands for those that read them alike."""
    found: dict[Way, list[object]] = {}
    for way in ways:
        try:
            found[way] = [read(cell, way) for cell in cells]
        except Unreadable:
            continue
    readings = list(found.values())
    alike = all(reading == readings[0] for reading in readings)
    return list(found)[:1] if alike else list(found)


def _yaml(
    columns: Mapping[str, Any],
    ways: tuple[Sequence[DateOrder], Sequence[str]],
    told: tuple[str, str],
    missing: Sequence[str],
    unused: Sequence[str],
) -> str:
    """The profile as far as it is known, with a line for each thing that a person has to add."""
    (orders, marks), (delimiter, currency) = ways, told
    lines = ["kind: payments", "columns:"]
    lines += [f"  {name}: {quoted(said)}" for name, said in columns.items()]
    lines += [f"  # {name}: {_NEEDED[name]}" for name in missing]
    lines += [f"  # not used: {said}" for said in unused]
    lines.append(_choice("date_order", orders, "dmy, mdy or ymd"))
    lines.append(_choice("decimal", marks, "the decimal mark, . or ,"))
    lines.append(f"delimiter: {quoted(delimiter)}")
    if "currency" not in columns:
        lines.append(f"currency: {currency}" if currency else "# currency: EUR")
    lines += ["# same:  # what all payments share", "#   debtor: Our Company", "#   debtor_account: DE..."]
    return "\n".join(lines)


def _choice(name: str, fitting: Sequence[str], asked: str) -> str:
    if len(fitting) == 1:
        return f"{name}: {quoted(fitting[0])}"
    return f"{name}: {' | '.join(map(quoted, fitting))}  # say which: {asked}"
