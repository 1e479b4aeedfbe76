"""Small steps in an XML tree, by local name: banks differ in namespaces, versions and prefixes, hardly in names.

What is read of an element is first made plain, in one walk: names to texts or to what is below them. Steps in that cost
a look into a dictionary, where each step in the parser's own tree makes objects.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import date, datetime, timedelta
from decimal import Decimal
from functools import lru_cache
from typing import Any, cast

from lxml import etree

from nostro.model.base import unchecked
from nostro.model.money import Amount, exponent

Element = etree._Element  # noqa: SLF001 - lxml has no public name for the type
Tree = dict[str, Any] | str
"""An element without its name: its text, or what its children are called and are: a `Tree`, or a list of several."""
Node = Element | Tree | None

_DECIMAL = re.compile(r"\+?(?:\d{1,24}(?:\.\d{0,12})?|\.\d{1,12})")
_TEXT_LIMIT = 20_000
_FRACTION = re.compile(r"\.(\d{6})\d+")
_NAMES: dict[str, str] = {}
_AMOUNTS: set[str] = set()
_NAMES_KEPT = 5_000


class Told(str):  # noqa: SLOT000 - the currency stands beside the text
    """The text of an amount, with its `Ccy`."""

    currency: str = ""


class Unreadable(Exception):
    """An item can't be understood; the sentence holds none of its content."""


def local(element: Element) -> str:
    """The element's name without namespace."""
    return element.tag.rpartition("}")[2]


def line_of(element: Element) -> int:
    """The source line, 0 where it is unknown."""
    return cast("int | None", element.sourceline) or 0


def plain(element: Element) -> Tree:
    """The element as a tree of its own, in the document's order; attributes go, but an amount's currency."""
    if not len(element):
        return _leaf(element, local(element))
    found: dict[str, Any] = {}
    for child in element:
        tag = child.tag
        name = _NAMES.get(tag) or _name(tag)
        if len(child):
            told: Tree = plain(child)
        elif name in _AMOUNTS:
            told = _leaf(child, name)
        else:
            said = child.text
            told = said.strip() if said else ""
        if name in found:
            known = found[name]
            if type(known) is list:
                known.append(told)
            else:
                found[name] = [known, told]
        else:
            found[name] = told
    return found


def _leaf(element: Element, name: str) -> str:
    said = (element.text or "").strip()
    if not name.endswith("Amt"):
        return said
    told = Told(said)
    told.currency = element.get("Ccy", "")
    return told


def _name(tag: str) -> str:
    """The local name, remembered: a document says the same few names again and again."""
    if len(_NAMES) >= _NAMES_KEPT:
        _NAMES.clear()
        _AMOUNTS.clear()
    name = _NAMES[tag] = tag.rpartition("}")[2].rpartition(":")[2]
    if name.endswith("Amt"):
        _AMOUNTS.add(name)
    return name


def those(node: Node, fields: Mapping[str, str]) -> dict[str, str]:
    """Texts of children by the field that each name stands for; of several of one name the first."""
    tree = node if type(node) is dict else _tree(node)
    if type(tree) is not dict:
        return {}
    return {fields[name]: said for name in tree if name in fields and (said := text(tree, name))}


def children(node: Node, name: str) -> Iterable[Tree]:
    """The children of that name."""
    tree = node if type(node) is dict else _tree(node)
    found = tree.get(name) if type(tree) is dict else None
    return () if found is None else found if type(found) is list else (found,)


def find(node: Node, *paths: str) -> Tree | None:
    """The first of what is on the first of the paths of names (`Acct/Id/IBAN`) that leads anywhere."""
    tree = node if type(node) is dict else _tree(node)
    if type(tree) is not dict:
        return None
    for path in paths:
        found: Any = tree.get(path)
        if found is None and "/" in path:
            found = _below(tree, path)
        if found is not None:
            return cast("Tree", found[0] if type(found) is list else found)
    return None


def _below(tree: Tree, path: str) -> Any:  # noqa: ANN401 - a tree, or a list of them
    found: Any = tree
    for step in _steps(path):
        if type(found) is list:
            found = found[0]
        if type(found) is not dict:
            return None
        found = found.get(step)
    return found


def text(node: Node, *paths: str) -> str:
    """The text at the first of the paths that has any, without blanks around it."""
    tree = node if type(node) is dict else _tree(node)
    for path in paths:
        if not path:
            found: Any = tree
        elif type(tree) is dict:
            found = tree.get(path)
            if found is None and "/" in path:
                found = _below(tree, path)
            if type(found) is list:
                found = found[0]
        else:
            return ""
        if found and type(found) is not dict:
            return str(found)[:_TEXT_LIMIT] if len(found) > _TEXT_LIMIT else found
    return ""


def _tree(node: Node) -> Tree | None:
    return plain(node) if isinstance(node, Element) else node


@lru_cache(maxsize=512)
def _steps(path: str) -> tuple[str, ...]:
    return tuple(path.split("/"))


def texts(node: Node, name: str) -> tuple[str, ...]:
    """The texts of all children of that name that have any."""
    return tuple([said for child in children(node, name) if (said := text(child, ""))])


def amount(node: Node, otherwise: str = "") -> Amount | None:
    """An amount with its `Ccy`, or in the currency `otherwise`; None where there is none. Raises `Unreadable`."""
    if node is None:
        return None
    told = node if type(node) is Told else _tree(node)
    value = decimal(told if isinstance(told, str) else "")
    return _amount(value=value, currency=_currency((told.currency if isinstance(told, Told) else "") or otherwise))


_amount = unchecked(Amount)


def decimal(said: str) -> Decimal:
    """An unsigned decimal. Raises `Unreadable` for anything else: a sign here contradicts the direction."""
    if said.startswith("-"):
        raise Unreadable("the amount is negative, though its direction is told apart")
    if not _DECIMAL.fullmatch(said):
        raise Unreadable("the amount is no decimal number" if said else "there is no amount")
    return Decimal(said)


def _currency(code: str) -> str:
    if not code:
        raise Unreadable("the amount has no currency")
    try:
        exponent(code)
    except ValueError:
        raise Unreadable("the amount's currency is not in ISO 4217") from None
    return code


def day(node: Node) -> date | None:
    """The day of a `Dt` or `DtTm`, as the bank's calendar says it. Raises `Unreadable`."""
    said = text(node, "Dt", "DtTm", "")
    if not said:
        return None
    try:
        return date.fromisoformat(said[:10])
    except ValueError:
        raise Unreadable("a date is not in ISO 8601") from None


def instant(said: str) -> datetime | None:
    """An ISO date and time, naive where the bank says no zone. Raises `Unreadable`."""
    if not said:
        return None
    try:
        if "T24:00:00" in said:  # XML Schema's midnight at the end of a day, which Python doesn't know
            return datetime.fromisoformat(said.replace("T24:00:00", "T00:00:00")) + timedelta(days=1)
        return datetime.fromisoformat(_FRACTION.sub(r".\1", said))
    except ValueError:
        raise Unreadable("a time is not in ISO 8601") from None
