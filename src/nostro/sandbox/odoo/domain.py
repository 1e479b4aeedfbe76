"""Search domains: prefix `&`, `|`, `!` over `[field, operator, value]`, joined by an implicit and."""

import operator as compare
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from nostro.sandbox.odoo.errors import Fault
from nostro.sandbox.odoo.schema import FIELDS, target

_ARITY = {"&": 2, "|": 2, "!": 1}
_ORDERS = {"<": compare.lt, "<=": compare.le, ">": compare.gt, ">=": compare.ge}
_NEGATIONS = {"!=": "=", "not in": "in", "not like": "like", "not ilike": "ilike"}
_OPERATORS = frozenset({"=", "in", "like", "ilike", "=like", "=ilike", *_ORDERS, *_NEGATIONS})


@dataclass(frozen=True, slots=True)
class Condition:
    """One leaf. `kind` is that of the field at the end of a dotted path."""

    field: str
    operator: str
    value: Any
    kind: str


Plan = list[str | Condition]


def plan(model: str, domain: Sequence[Any], version: int) -> Plan:
    """The domain in prefix form with every field and operator checked; raises ValueError as Odoo does."""
    result: Plan = []
    open_terms = 1
    for term in domain:
        if open_terms == 0:
            result.insert(0, "&")
            open_terms = 1
        if isinstance(term, str) and term in _ARITY:
            result.append(term)
            open_terms += _ARITY[term] - 1
        else:
            result.append(_condition(model, term, version))
            open_terms -= 1
    if result and open_terms > 0:
        raise Fault("ValueError", f"Domain {list(domain)} is malformed")
    return result


def _condition(model: str, term: Any, version: int) -> Condition:  # noqa: ANN401 - whatever the sender wrote
    if not isinstance(term, list | tuple) or len(term) != 3 or term[1] not in _OPERATORS:
        raise Fault("ValueError", f"Invalid leaf {term!r}")
    path, operator, value = term
    at: str | None = model
    kind = ""
    for name in str(path).split("."):
        if at is None or name not in FIELDS.get(at, {}):
            raise Fault("ValueError", f"Invalid field {model}.{path} in leaf {term!r}")
        kind = FIELDS[at][name]
        at = target(kind)
    if kind == "datetime" and isinstance(value, str):
        operator, value = _moment(operator, value, version)
    if model == "account.payment" and path == "reconciled_invoice_ids" and version < 19:
        return Condition("id", ">", 0, "int")  # 18 drops the condition and finds every payment
    return Condition(path, operator, value, kind)


def _moment(operator: str, text: str, version: int) -> tuple[str, datetime]:
    """A datetime operand. Version 19 reads `> second` as `>= next second`, `<= second` as `< next second`."""
    try:
        moment = datetime.fromisoformat(text).replace(tzinfo=UTC)
    except ValueError as wrong:
        raise Fault("ValueError", str(wrong)) from wrong
    if version >= 19 and operator in {">", "<="} and not moment.microsecond:
        return (">=" if operator == ">" else "<"), moment + timedelta(seconds=1)
    return operator, moment


def holds(conditions: Plan, values: Callable[[str], list[Any]], named: Callable[[str, int], str]) -> bool:
    """Whether a row fits. `values(path)` are its values (several through references), `named` a reference's label."""
    stack: list[bool] = []
    for term in reversed(conditions):
        match term:
            case "&":
                stack.append(stack.pop() & stack.pop())
            case "|":
                stack.append(stack.pop() | stack.pop())
            case "!":
                stack.append(not stack.pop())
            case Condition():
                stack.append(_fits(term, values(term.field), named))
    return all(stack)


def _fits(condition: Condition, values: list[Any], named: Callable[[str, int], str]) -> bool:
    if positive := _NEGATIONS.get(condition.operator):
        return not _fits(replace(condition, operator=positive), values, named)
    model = target(condition.kind)
    wanted = condition.value if condition.operator == "in" else [condition.value]
    if model and any(isinstance(one, str) for one in wanted):
        values = [named(model, value) if value else False for value in values]
    return any(_compare(condition.operator, value, one) for value in (values or [False]) for one in wanted)


def _compare(operator: str, value: Any, one: Any) -> bool:  # noqa: ANN401 - any field's value
    if isinstance(value, Decimal) and isinstance(one, int | float) and one is not False:
        one = Decimal(str(one))
    if operator in {"=", "in"}:
        empty = one in (False, None, "") and value in (False, None, "") and not isinstance(value, int)
        return bool(value == one) or empty
    if operator.endswith("like"):
        return value is not False and _like(operator, str(value), str(one))
    return not (value is False or one is False or one is None) and bool(_ORDERS[operator](value, one))


def _like(operator: str, text: str, pattern: str) -> bool:
    pattern = pattern if operator.startswith("=") else f"%{pattern}%"
    expression = "".join({"%": ".*", "_": "."}.get(letter, re.escape(letter)) for letter in pattern)
    return re.fullmatch(expression, text, re.DOTALL | (re.IGNORECASE if "ilike" in operator else 0)) is not None
