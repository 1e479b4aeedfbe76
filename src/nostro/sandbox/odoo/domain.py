"""Search domains: prefix `&`, `|`, `!` over `[field, operator, value]`, joined by an implicit and."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from nostro.sandbox.odoo.errors import Fault
from nostro.sandbox.odoo.schema import FIELDS, target

_ARITY = {"&": 2, "|": 2, "!": 1}
_OPERATORS = frozenset(
    {"=", "!=", "<", ">", "<=", ">=", "in", "not in", "like", "not like", "ilike", "not ilike", "=like", "=ilike"}
)


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
    said = "leaf" if version < 19 else "condition"
    if not isinstance(term, list | tuple) or len(term) != 3:
        raise Fault("ValueError", f"Invalid {said} {term!r}")
    path, operator, value = term
    operator = {"==": "=", "<>": "!="}.get(operator, operator)
    if operator not in _OPERATORS:
        what = f"Invalid leaf {tuple(term)!r}" if version < 19 else f"Invalid operator in condition {tuple(term)!r}"
        raise Fault("ValueError", what)
    at: str | None = model
    kind = ""
    for name in str(path).split("."):
        if at is None or name not in FIELDS.get(at, {}):
            raise Fault("ValueError", f"Invalid field {model}.{path} in {said} {tuple(term)!r}")
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
    operator = condition.operator
    if operator in {"!=", "not in", "not like", "not ilike"}:
        positive = operator.removeprefix("not ") if operator != "!=" else "="
        return not _fits(Condition(condition.field, positive, condition.value, condition.kind), values, named)
    model = target(condition.kind)
    wanted = condition.value if operator == "in" else [condition.value]
    if model and any(isinstance(one, str) for one in wanted):
        values = [named(model, value) if value else False for value in values]
    return any(_compare(operator, value, wanted) for value in (values or [False]))


def _compare(operator: str, value: Any, wanted: Sequence[Any]) -> bool:  # noqa: ANN401 - any field's value
    if operator in {"=", "in"}:
        return any(_same(value, one) for one in wanted)
    one = wanted[0]
    if operator.endswith("like"):
        return value is not False and _like(operator, str(value), str(one))
    if value is False or one is False or one is None:
        return False
    if isinstance(value, Decimal):
        one = Decimal(str(one))
    return bool({"<": value < one, "<=": value <= one, ">": value > one, ">=": value >= one}[operator])


def _same(value: Any, one: Any) -> bool:  # noqa: ANN401 - any field's value
    if isinstance(value, Decimal) and isinstance(one, int | float):
        return value == Decimal(str(one))
    return bool(value == one) or (
        one in (False, None, "") and value in (False, None, "") and not isinstance(value, int)
    )


def _like(operator: str, text: str, pattern: str) -> bool:
    pattern = pattern if operator.startswith("=") else f"%{pattern}%"
    expression = "".join({"%": ".*", "_": "."}.get(letter, re.escape(letter)) for letter in pattern)
    return re.fullmatch(expression, text, re.DOTALL | (re.IGNORECASE if "ilike" in operator else 0)) is not None
