"""Every method that can be called from outside, with its arguments, and the generic ones: create, read, search."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import partial
from typing import Any, Final

from nostro.sandbox.odoo import matching, moves, payments, statements
from nostro.sandbox.odoo.call import Call, checked
from nostro.sandbox.odoo.domain import holds, plan
from nostro.sandbox.odoo.errors import Fault
from nostro.sandbox.odoo.schema import DEFAULT_ORDER, FIELDS, on_the_wire, target
from nostro.sandbox.odoo.tables import INDEXED, Row

Arguments = Mapping[str, Any]
NEVER_LOCKED: Final = "1-01-01"
"""What Odoo says for "no lock": the first of January of the year 1, unpadded."""
_BOOKKEEPING = frozenset(
    {"account.move", "account.move.line", "account.payment", "account.payment.register", "account.bank.statement.line"}
)
"""What an accountant may write; everything else needs the administrator."""


@dataclass(frozen=True, slots=True)
class Method:
    """`on_records` methods take ids. `options` are the arguments that may be left out; a star takes any."""

    run: Callable[[Call, str, list[int], Arguments], object]
    on_records: bool = True
    needs: tuple[str, ...] = ()
    options: tuple[str, ...] = ()
    reads: bool = False


def find(model: str, method: str) -> Method:
    """The method, or a Fault that says what is wrong with the question."""
    if method.startswith("_"):
        raise Fault("AccessError", f"Private methods (such as '{model}.{method}') cannot be called remotely.")
    if model not in FIELDS:
        raise Fault("unknown model", model)
    found = METHODS.get(f"{model}.{method}") or METHODS.get(method)
    if found is None:
        raise Fault("unknown method", f"The method '{model}.{method}' does not exist")
    return found


def bind(method: Method, args: Sequence[Any], kwargs: Arguments) -> Arguments:
    """Arguments by name; raises TypeError for one too many or too few."""
    names = (*method.needs, *(name for name in method.options if name != "*"))
    if len(args) > len(names):
        raise Fault("TypeError", "too many positional arguments")
    given = {**dict(zip(names, args, strict=False)), **kwargs}
    if missing := [name for name in method.needs if name not in given]:
        raise Fault("TypeError", f"missing a required argument: {missing[0]!r}")
    if "*" not in method.options and (extra := [name for name in given if name not in names]):
        raise Fault("TypeError", f"got an unexpected keyword argument {extra[0]!r}")
    return given


# Generic methods


def _create(call: Call, model: str, _ids: list[int], given: Arguments) -> list[int]:
    _may_write(call, model)
    vals_list = given["vals_list"]
    many = [vals_list] if isinstance(vals_list, Mapping) else vals_list
    maker = _CREATE.get(model) or (lambda call, vals: call.insert(model, checked(model, vals)))
    return [maker(call, vals)["id"] for vals in many]


def _write(call: Call, model: str, ids: list[int], given: Arguments) -> bool:
    _may_write(call, model)
    if model in _WRITE:
        return _WRITE[model](call, ids, given["vals"])
    if model in _BOOKKEEPING:
        raise Fault("UserError", f"You cannot change this here: {model}")
    vals = checked(model, given["vals"])
    if model == "res.company":
        _refuse_lock_over_suspense(call, ids, vals)
    for row in call.rows(model, ids):
        call.update(model, row, **vals)
    return True


def _unlink(call: Call, model: str, ids: list[int], _given: Arguments) -> bool:
    _may_write(call, model)
    if model not in _UNLINK:
        raise Fault("UserError", f"You cannot delete this here: {model}")
    return _UNLINK[model](call, ids)


def _read(call: Call, model: str, ids: list[int], given: Arguments) -> list[Row]:
    _may_read(call, model)
    rows = call.tables.of(model)
    there = [rows[ident] for ident in ids if isinstance(ident, int) and ident in rows]
    for row in there:
        if not call.sees(model, row):
            raise call.stranger(model)
    return _told(call, model, there, given.get("fields"), given.get("load", "_classic_read"))


def _search(call: Call, model: str, _ids: list[int], given: Arguments) -> list[int]:
    return [row["id"] for row in found_rows(call, model, given)]


def _search_count(call: Call, model: str, _ids: list[int], given: Arguments) -> int:
    return len(found_rows(call, model, given))


def _search_read(call: Call, model: str, _ids: list[int], given: Arguments) -> list[Row]:
    known = {"domain", "fields", "offset", "limit", "order", "load"}
    if extra := [name for name in given if name not in known]:
        raise Fault("TypeError", f"BaseModel._read_format() got an unexpected keyword argument {extra[0]!r}")
    return _told(call, model, found_rows(call, model, given), given.get("fields"), given.get("load", "_classic_read"))


def found_rows(call: Call, model: str, given: Arguments) -> list[Row]:
    """The rows of the call's companies that a domain finds, ordered and cut to the page."""
    _may_read(call, model)
    domain = given.get("domain") or []
    conditions = plan(model, domain, call.version)
    found = [
        row
        for row in _candidates(call, model, domain)
        if call.sees(model, row) and holds(conditions, partial(_values, call, model, row), call.label)
    ]
    for word in reversed((given.get("order") or DEFAULT_ORDER.get(model, "id")).split(",")):
        name, _, way = word.strip().partition(" ")
        if name not in FIELDS[model]:
            raise Fault("ValueError", f"Invalid field {name!r} on model {model!r}")
        found.sort(key=partial(_sort_key, call, model, name), reverse=way.strip() == "desc")
    start = given.get("offset") or 0
    return found[start : start + given["limit"] if given.get("limit") else None]


def _candidates(call: Call, model: str, domain: Sequence[Any]) -> Sequence[Row]:
    """All rows, or those that an id or an indexed reference in a plain conjunction leaves."""
    rows = call.tables.of(model)
    if not any(term in ("|", "!") for term in domain if isinstance(term, str)):
        for field, operator, wanted in (term for term in domain if not isinstance(term, str)):
            ids = wanted if operator == "in" else [wanted] if operator == "=" else None
            if ids is None or not all(type(ident) is int for ident in ids):
                continue
            if field == "id":
                return [rows[ident] for ident in ids if ident in rows]
            if (model, field) in INDEXED:
                return [row for ident in dict.fromkeys(ids) for row in call.tables.by(model, field, ident)]
    return list(rows.values())


def _told(call: Call, model: str, rows: Sequence[Row], fields: Sequence[str] | None, load: object) -> list[Row]:
    names = list(dict.fromkeys(["id", *(fields or FIELDS[model])]))
    for name in names:
        if name not in FIELDS[model]:
            raise Fault("ValueError", f"Invalid field {name!r} on '{model}'")
    label = call.label if load == "_classic_read" else None
    kinds = FIELDS[model]
    return [{name: on_the_wire(kinds[name], value(call, model, row, name), label) for name in names} for row in rows]


# Fields that are worked out


def value(call: Call, model: str, row: Row, name: str) -> Any:  # noqa: ANN401 - any field's value
    """A field's value, stored or computed."""
    if name == "display_name":
        return call.label(model, row["id"])
    match model:
        case "account.move.line":
            return _of_line(call, row, name)
        case "account.move" if name in {"line_ids", "invoice_line_ids"}:
            lines = call.lines(row)
            return [one["id"] for one in lines if name == "line_ids" or one["display_type"] == "product"]
        case "account.bank.statement.line" if name in {"is_reconciled", "amount_residual"}:
            suspense = statements.on_suspense(call, row)
            return sum((line["amount_currency"] for line in suspense), Decimal()) if name[0] == "a" else not suspense
        case "res.company" if name.startswith("user_"):
            locks = (row[name.removeprefix("user_")], row["hard_lock_date"])
            return max((lock for lock in locks if lock), default=NEVER_LOCKED)
        case "res.partner" if name == "property_account_receivable_id":
            return call.row("res.company", call.companies[0])["receivable"]
    return row[name]


def _of_line(call: Call, line: Row, name: str) -> Any:  # noqa: ANN401 - any field's value
    move = call.row("account.move", line["move_id"])
    match name:
        case "debit" | "credit":
            return max(line["balance"] if name == "debit" else -line["balance"], Decimal(0))
        case "account_type":
            return call.row("account.account", line["account_id"])["account_type"]
        case "parent_state" | "move_name":
            return move["state" if name == "parent_state" else "name"]
        case "payment_id":
            return move["origin_payment_id"]
        case "date" | "ref" | "move_type" | "journal_id" | "company_id" | "statement_line_id":
            return move[name]
    return line[name]


def _sort_key(call: Call, model: str, name: str, row: Row) -> tuple[bool, Any]:
    """Empty values last, as PostgreSQL orders NULL."""
    found = value(call, model, row, name)
    empty = found is False or found is None
    return empty, 0 if empty else found


def _values(call: Call, model: str, row: Row, path: str) -> list[Any]:
    """The values at a dotted path."""
    name, _, rest = path.partition(".")
    found = value(call, model, row, name)
    ids = found if isinstance(found, list) else [found]
    if not rest:
        return ids
    there = target(FIELDS[model][name])
    assert there is not None, f"{name} was checked to be a reference"
    return [one for ident in ids if ident for one in _values(call, there, call.row(there, ident), rest)]


# Rights


def _may_write(call: Call, model: str) -> None:
    call.need(admin=model not in _BOOKKEEPING, what=model)


def _may_read(call: Call, model: str) -> None:
    call.need(admin=model == "ir.config_parameter", what="System Parameter")


def _has_access(call: Call, model: str, _ids: list[int], given: Arguments) -> bool:
    if given["operation"] == "read":
        return call.user.admin or model != "ir.config_parameter"
    if model not in _BOOKKEEPING:
        return call.user.admin
    return call.user.accountant or (call.user.biller and model != "account.bank.statement.line")


def _refuse_lock_over_suspense(call: Call, ids: Sequence[int], vals: Arguments) -> None:
    lock = max((str(vals[name]) for name in ("fiscalyear_lock_date", "hard_lock_date") if vals.get(name)), default="")
    for line in call.tables.of("account.bank.statement.line").values():
        if line["company_id"] in ids and line["date"] <= lock and statements.on_suspense(call, line):
            raise Fault("RedirectWarning", "There are still unreconciled bank statement lines in the period.")


def _parameter(call: Call, _model: str, _ids: list[int], given: Arguments) -> object:
    _may_read(call, "ir.config_parameter")
    rows = call.tables.of("ir.config_parameter").values()
    return next((row["value"] for row in rows if row["key"] == given["key"]), given.get("default", False))


_CREATE: Final[Mapping[str, Callable[[Call, Arguments], Row]]] = {
    "account.move": moves.create,
    "account.payment": payments.create,
    "account.payment.register": payments.create_wizard,
    "account.bank.statement.line": statements.create,
}
_WRITE: Final[Mapping[str, Callable[[Call, Sequence[int], Arguments], bool]]] = {
    "account.move": moves.write,
    "account.move.line": statements.write_move_lines,
    "account.payment": payments.write,
}

_UNLINK: Final[Mapping[str, Callable[[Call, Sequence[int]], bool]]] = {
    "account.move": moves.unlink,
    "account.payment": payments.unlink,
}


def _act(run: Callable[[Call, Sequence[int]], object]) -> Method:
    return Method(lambda call, _model, ids, _given: run(call, ids))


_PAGE = ("offset", "limit", "order")
METHODS: Final[Mapping[str, Method]] = {
    "create": Method(_create, on_records=False, needs=("vals_list",)),
    "write": Method(_write, needs=("vals",)),
    "unlink": Method(_unlink),
    "read": Method(_read, options=("fields", "load"), reads=True),
    "search": Method(_search, on_records=False, needs=("domain",), options=_PAGE, reads=True),
    "search_count": Method(_search_count, on_records=False, needs=("domain",), options=("limit",), reads=True),
    "search_read": Method(_search_read, on_records=False, options=("domain", "fields", *_PAGE, "*"), reads=True),
    "has_access": Method(_has_access, needs=("operation",), reads=True),
    "account.move.action_post": _act(moves.action_post),
    "account.move.button_draft": _act(moves.button_draft),
    "account.move.button_cancel": _act(moves.button_cancel),
    "account.move.line.reconcile": _act(matching.reconcile_ids),
    "account.move.line.remove_move_reconcile": _act(matching.unmatch_ids),
    "account.payment.action_post": _act(payments.action_post),
    "account.payment.action_draft": _act(payments.action_draft),
    "account.payment.action_cancel": _act(payments.action_cancel),
    "account.payment.register.action_create_payments": _act(payments.action_create_payments),
    "ir.config_parameter.get_param": Method(
        _parameter, on_records=False, needs=("key",), options=("default",), reads=True
    ),
}
