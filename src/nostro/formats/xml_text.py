"""XML as text, for what we write: elements by name, in the order that their schema wants, without a tree."""

from __future__ import annotations

import re
from xml.sax.saxutils import quoteattr

DECLARATION = '<?xml version="1.0" encoding="UTF-8"?>\n'
_NO_XML = "\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff"
"""What no XML can hold, however it is written."""
_MARKED = re.compile(f"[&<>\r{_NO_XML}]")
_OUT = re.compile(f"[{_NO_XML}]")
REPLACED = "\ufffd"
"""Unicode's own sign for one that can't be shown."""
_ESCAPES = {"&": "&amp;", "<": "&lt;", ">": "&gt;", "\r": "&#13;"}


def escaped(text: str) -> str:
    """Text as XML has it. `REPLACED` stands for each sign that XML can't hold at all."""
    return _MARKED.sub(lambda found: _ESCAPES.get(found[0], REPLACED), text) if _MARKED.search(text) else text


def held(text: str) -> str:
    """Text without what XML can't hold at all."""
    return _OUT.sub("", text)


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
