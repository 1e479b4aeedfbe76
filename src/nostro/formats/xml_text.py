"""XML as text, for what we write: elements by name, in the order that their schema wants, without a tree."""

from __future__ import annotations

import re
from xml.sax.saxutils import quoteattr

DECLARATION = '<?xml version="1.0" encoding="UTF-8"?>\n'
_MARKED = re.compile("[&<>\r\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")
REPLACED = "\ufffd"
_ESCAPES = {"&": "&amp;", "<": "&lt;", ">": "&gt;", "\r": "&#13;"}


def escaped(text: str) -> str:
    """Text as XML has it. In place of each sign that XML can't hold at all stands Unicode's own for that."""
    return _MARKED.sub(lambda found: _ESCAPES.get(found[0], REPLACED), text) if _MARKED.search(text) else text


def leaf(name: str, text: str, attributes: str = "") -> str:
    """An element with a text, or nothing without one."""
    return f"<{name}{attributes}>{escaped(text)}</{name}>" if text else ""


def branch(name: str, *inside: str) -> str:
    """An element around others, or nothing without any."""
    content = "".join(inside)
    return f"<{name}>{content}</{name}>" if content else ""


def attribute(name: str, value: str) -> str:
    """An attribute as it stands in a tag."""
    return f" {name}={quoteattr(value)}"
