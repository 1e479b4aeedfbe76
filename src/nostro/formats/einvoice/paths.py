"""Paths of element names with conditions, for reading and for writing.

`PartyTaxScheme[TaxScheme/ID=VAT]/CompanyID`: local names, with what a step must hold (or not: `!=`) in brackets; `@` is
an attribute. For writing, what a bracket says is written after the step's own children, or before them with `[^...]`.
A step that ends in `+` holds one thing only: each that is written gets its own. A name may bear a prefix
(`qdt:DateTimeString`) where a format has one name in two namespaces; reading ignores it.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import NamedTuple

from nostro.formats.xml import Element, local

OLDER: Mapping[str, tuple[str, ...]] = {
    "ExchangedDocumentContext": ("SpecifiedExchangedDocumentContext",),
    "ExchangedDocument": ("HeaderExchangedDocument",),
    "SupplyChainTradeTransaction": ("SpecifiedSupplyChainTradeTransaction",),
    "ApplicableHeaderTradeAgreement": ("ApplicableSupplyChainTradeAgreement",),
    "ApplicableHeaderTradeDelivery": ("ApplicableSupplyChainTradeDelivery",),
    "ApplicableHeaderTradeSettlement": ("ApplicableSupplyChainTradeSettlement",),
    "SpecifiedLineTradeAgreement": ("SpecifiedSupplyChainTradeAgreement",),
    "SpecifiedLineTradeDelivery": ("SpecifiedSupplyChainTradeDelivery",),
    "SpecifiedLineTradeSettlement": ("SpecifiedSupplyChainTradeSettlement",),
    "SpecifiedTradeSettlementHeaderMonetarySummation": ("SpecifiedTradeSettlementMonetarySummation",),
    "SpecifiedTradeSettlementLineMonetarySummation": ("SpecifiedTradeSettlementMonetarySummation",),
    "RateApplicablePercent": ("ApplicablePercent",),
    "IssuerAssignedID": ("ID",),
}
"""What ZUGFeRD 1 (UN/CEFACT CII D13A) called what has another name since D16B."""
_STEP = re.compile(r"([\w:.-]+)(\+?)((?:\[[^\]]*\])*)(?:/|$)")
_CONDITION = re.compile(r"\[(\^?)(@?)([\w/:.-]+?)(!?)=([^\]]*)\]")


class Condition(NamedTuple):
    """What a step must hold: a text below `path`, or an attribute of that name."""

    before: bool
    attribute: bool
    path: str
    negative: bool
    text: str


class Step(NamedTuple):
    """One element on the way."""

    name: str
    tags: tuple[str, ...]
    conditions: tuple[Condition, ...]
    alone: bool = False


@lru_cache(maxsize=2_048)
def steps_of(path: str) -> tuple[Step, ...]:
    """The steps of a path."""
    return tuple(
        Step(told[1], tuple(f"{{*}}{name}" for name in _names(told[1])), tuple(_conditions(told[3])), bool(told[2]))
        for told in _STEP.finditer(path)
    )


def _names(step: str) -> tuple[str, ...]:
    name = step.rpartition(":")[2]
    return name, *OLDER.get(name, ())


def _conditions(brackets: str) -> Iterator[Condition]:
    for told in _CONDITION.finditer(brackets):
        yield Condition(bool(told[1]), bool(told[2]), told[3], bool(told[4]), told[5])


def found(element: Element, path: str) -> Iterator[Element]:
    """Every element to which the path leads, in the document's order."""
    yield from _walk(element, steps_of(path), 0)


def _walk(element: Element, steps: tuple[Step, ...], at: int) -> Iterator[Element]:
    if at == len(steps):
        yield element
        return
    step = steps[at]
    for child in element.iterchildren(*step.tags):
        if all(holds(child, condition) for condition in step.conditions):
            yield from _walk(child, steps, at + 1)


def holds(element: Element, condition: Condition) -> bool:
    """Whether an element meets a condition; case and blanks don't matter."""
    wanted = condition.text.casefold()
    if condition.attribute:
        told = [element.get(condition.path) or ""]
    else:
        told = [one.text or "" for one in found(element, condition.path)]
    return any(text.strip().casefold() == wanted for text in told) != condition.negative


def where_of(element: Element) -> str:
    """The element's place as an XPath of local names, counted where a name stands there more than once."""
    return Places().where(element)


@dataclass(slots=True)
class Places:
    """XPaths of a document's elements. Siblings are counted once: a document may have thousands."""

    counted: dict[Element, dict[Element, str]] = field(default_factory=dict)

    def where(self, element: Element) -> str:
        """The element's place as an XPath of local names, counted where a name stands there more than once."""
        steps: list[str] = []
        here: Element | None = element
        while here is not None:
            above = here.getparent()
            steps.append(local(here) + (self._among(above)[here] if above is not None else ""))
            here = above
        return "/" + "/".join(reversed(steps))

    def _among(self, parent: Element) -> dict[Element, str]:
        if parent not in self.counted:
            children = list(parent.iterchildren("{*}*"))
            totals, met = Counter(child.tag for child in children), Counter[str]()
            ordinals: dict[Element, str] = {}
            for child in children:
                met[child.tag] += 1
                ordinals[child] = f"[{met[child.tag]}]" if totals[child.tag] > 1 else ""
            self.counted[parent] = ordinals
        return self.counted[parent]
