"""What both writers need: the character set, field lengths, amounts and dates as the standard has them, and wrapping.

SWIFT User Handbook, "Standards General Information": character set X, and its rules for references and text lines.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from decimal import Decimal

from nostro.model.failures import FormatRefused
from nostro.model.money import EXPONENTS, NO_CURRENCY, Amount, plain

OUTSIDE_X = re.compile(r"[^A-Za-z0-9/\-?:().,'+ ]")
_AMOUNT_SIGNS = 15
REFERENCE_SIGNS = 16
LINE_SIGNS = 35


def told_text(field: str, said: str, length: int) -> str:
    """Text of character set X and a greatest length. Raises `FormatRefused`."""
    if found := OUTSIDE_X.search(said):
        raise FormatRefused(
            f"Field {field} holds the sign U+{ord(found[0]):04X}, which SWIFT's character set X does not have.",
            "Transliterate the text with the bank's profile.",
        )
    if len(said) > length:
        raise FormatRefused(
            f"Field {field} takes {length} signs, {len(said)} are given.", "Shorten it, or choose another field."
        )
    return said


def reference(field: str, said: str) -> str:
    """A reference `16x`: told, without a slash at its ends or two in it. Raises `FormatRefused`."""
    if not said or said != said.strip() or said[0] == "/" or said[-1] == "/" or "//" in said:
        raise FormatRefused(
            f"Field {field} is a reference: told, no blanks or slash at its ends, no two slashes in it.",
            "Choose another reference.",
        )
    return told_text(field, said, REFERENCE_SIGNS)


def amount_text(field: str, amount: Amount) -> str:
    """`15d`: a decimal comma, no sign, and no more digits than the currency has. Raises `FormatRefused`."""
    value = amount.value
    if value < 0:
        raise FormatRefused(f"Field {field}: an amount is never negative.", "Turn its direction.")
    if amount.currency == NO_CURRENCY:
        raise FormatRefused(f"Field {field}: the amount has no currency.", "Say which one it is in.")
    if amount.too_fine:
        sentence = f"Field {field}: the amount {amount.too_fine}."
        raise FormatRefused(sentence, "Say it in whole minor units of a currency.")
    return _decimal(field, value, EXPONENTS[amount.currency])


def rate_text(field: str, rate: Decimal) -> str:
    """`12d`: a rate. Raises `FormatRefused`."""
    said = plain(rate.normalize()).replace(".", ",")
    said = said if "," in said else f"{said},"
    if rate <= 0 or len(said) > 12:
        raise FormatRefused(f"Field {field} is a rate of 12 digits at most, above 0.", "Round it.")
    return said


def _decimal(field: str, value: Decimal, digits: int) -> str:
    said = f"{value:.{digits}f}".replace(".", ",")
    said = said if "," in said else f"{said},"
    if len(said) > _AMOUNT_SIGNS:
        raise FormatRefused(f"Field {field} takes {_AMOUNT_SIGNS} digits.", "Split the amount.")
    return said


def day_text(field: str, on: date | None) -> str:
    """`6!n`: a day from 1980 to 2079. Raises `FormatRefused`."""
    if on is None or not 1980 <= on.year <= 2079:
        raise FormatRefused(f"Field {field} needs a day between 1980 and 2079.", "Tell it.")
    return f"{on:%y%m%d}"


def text_lines(field: str, said: Sequence[str], lines: int, length: int = LINE_SIGNS) -> list[str]:
    """Lines of a field: each as it is, none empty or beginning as a field or an end does. Raises `FormatRefused`."""
    told = [told_text(field, line, length) for line in said]
    if len(told) > lines:
        raise FormatRefused(f"Field {field} takes {lines} lines, {len(told)} are needed.", "Shorten the text.")
    if any(not line.strip() or line[0] in ":-" for line in told):
        raise FormatRefused(f"Field {field}: a line is empty or begins with a colon or hyphen.", "Change the text.")
    return told


def field_lines(field: str, said: Sequence[str], lines: int, length: int = LINE_SIGNS) -> Iterator[str]:
    """A field of such lines, the first behind its tag. Raises `FormatRefused`."""
    first, *more = text_lines(field, said, lines, length)
    yield f":{field}:{first}"
    yield from more


def wrapped(said: str, length: int = LINE_SIGNS) -> Iterator[str]:
    """Text cut into full lines, the next of which never begins with a colon, hyphen or blank."""
    while len(said) > length:
        cut = length
        while cut > 1 and (said[cut] in ":- " or said[cut - 1] == " "):
            cut -= 1
        yield said[:cut]
        said = said[cut:]
    if said:
        yield said


def lines(said: Iterable[str]) -> bytes:
    """Lines of a message, as they are ended."""
    return "".join(f"{line}\r\n" for line in said).encode("ascii")


def envelope(kind: str, sender: str, receiver: str, fields: Sequence[str]) -> bytes:
    """A message's text in its blocks when both BICs are told, else bare with a closing `-`. Lines end with CR LF."""
    body = "\r\n".join(fields)
    if not (sender and receiver):
        return lines([*fields, "-"])
    return (
        f"{{1:F01{_terminal(sender)}0000000000}}{{2:I{kind}{_terminal(receiver)}N}}{{4:\r\n{body}\r\n-}}\r\n".encode()
    )


def _terminal(bic: str) -> str:
    """A logical terminal's twelve signs: the BIC with a terminal code in its middle."""
    if not re.fullmatch(r"[A-Z]{6}[A-Z0-9]{2}(?:[A-Z0-9]{3})?", bic):
        raise FormatRefused("A block header needs BICs of 8 or 11 signs.", "Tell the sender's and the receiver's BIC.")
    return f"{bic[:8]}A{bic[8:] or 'X' * 3}"
