"""The code page of a table that is no UTF-8: that of the language whose alphabet holds its letters.

One byte is another letter in each code page, and nothing in the file says which: the page is a guess, and told as one.
Where the letters alone leave it open, the countries of IBANs and the currencies in the file decide.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from nostro.formats.tables.guesses import Guess
from nostro.model.failures import FormatRefused


class _Language(NamedTuple):
    """The letters that it has beyond ASCII, and the countries and currencies of those who write it."""

    letters: frozenset[str]
    countries: str
    is_latin: bool

    def explained(self, word: str) -> int:
        """How many of the word's letters beyond ASCII stand where the language has them.

        A word is of one script, and no capital follows a small letter.
        """
        has_ascii = any(letter <= "\x7f" for letter in word)
        if has_ascii != self.is_latin and len(word) > _SHORT:
            return 0
        before = " " + word
        return sum(
            letter in self.letters and not (letter.isupper() and left.islower())
            for left, letter in zip(before, word, strict=False)
            if letter > "\x7f"
        )


def _language(letters: str, countries: str, *, is_latin: bool = True) -> _Language:
    return _Language(frozenset(letters + letters.upper()), countries, is_latin)


_GREEK = _language("αβγδεζηθικλμνξοπρσςτυφχψωάέήίόύώϊϋΐΰ", "GR CY", is_latin=False)
_CYRILLIC = _language(
    "абвгдежзийклмнопрстуфхцчшщъыьэюяёђѓєѕіїјљњћќѝўџґ", "BG RS RU UA BY MK ME BGN RSD RUB UAH BYN MKD", is_latin=False
)
_BALTIC = (
    _language("ąčęėįšųūž", "LT"), _language("āčēģīķļņšūž", "LV"), _language("äõöüšž", "EE"),
)  # fmt: skip
_TURKISH = (_language("çğıöşüâîûİ", "TR TRY"),)
_CENTRAL = (
    _language("ąćęłńóśźż", "PL PLN"),
    _language("áčďéěíňóřšťúůýž", "CZ CZK"),
    _language("áäčďéíĺľňóôŕšťúýž", "SK"),
    _language("áéíóöőúüű", "HU HUF"),
    _language("čćđšž", "HR SI BA HRK BAM"),
    _language("ăâîşţ", "RO MD RON MDL"),
)
_WESTERN = (
    _language("äöüß", "DE AT CH LI CHF"),
    _language("àâæçéèêëîïôœùûü", "FR BE LU MC"),
    _language("áéíñóúü", "ES MX AR CL CO PE MXN ARS CLP COP PEN"),
    _language("ãáâàçéêíóôõú", "PT BR BRL"),
    _language("àèéìíòóù", "IT SM"),
    _language("äéèëïöü", "NL"),
    _language("åäöé", "SE FI SEK"),
    _language("æøåéöä", "DK NO DKK NOK"),
    _language("áéíóúýþæðö", "IS ISK"),
)
_PAGES: Mapping[str, Sequence[_Language]] = {
    "cp1252": _WESTERN, "cp1250": _CENTRAL, "iso8859-2": _CENTRAL, "cp1257": _BALTIC, "cp1254": _TURKISH,
    "cp1251": (_CYRILLIC,), "cp1253": (_GREEK,), "cp850": _WESTERN, "cp852": _CENTRAL, "mac-roman": _WESTERN,
}  # fmt: skip
"""The code pages of banks and spreadsheets; of two that are as likely, the first."""
_SHORT = 1
_WORD = re.compile(r"[^\W\d_]+")
_SIGNS = frozenset("\u00a0\u00a3\u00a7\u00a8\u00ab\u00b0\u00b4\u00b7\u00bb\u20ac") | set(
    map(chr, range(0x2010, 0x203B))
)
"""Blanks, currencies, dashes, quotes: signs that stand in any language."""
_IBAN = re.compile(rb"\b([A-Z]{2})\d{2}[ ]?[0-9A-Z]{4}[ ]?[0-9A-Z]{4}")
_CURRENCY = re.compile(rb"\b([A-Z]{3})\b")
_OTHERWISE = "cp1252"
_SURE, _LIKELY, _HABIT = 0.9, 0.8, 0.5
_CLEAR = 0.1
"""So much more of the letters has to be explained by the page that is taken than by any other."""


class _Fit(NamedTuple):
    explained: float
    hints: int
    page: str
    text: str


def code_page(raw: bytes) -> Guess:
    """The code page of bytes that are no UTF-8, with how surely it is the one."""
    fits = sorted(_fits(raw, _places(raw)), key=lambda fit: (-round(fit.explained, 2), -fit.hints))
    if not fits or not fits[0].explained:
        return Guess(_OTHERWISE, _HABIT)
    best = fits[0]
    others = [fit for fit in fits if fit.text != best.text]
    if all(fit.explained <= best.explained - _CLEAR for fit in others):
        return Guess(best.page, _SURE if len(best.text) > 1 else _LIKELY)
    hinted = all(fit.hints < best.hints for fit in others if fit.explained > best.explained - _CLEAR)
    return Guess(best.page, _LIKELY if hinted else _HABIT)


def _fits(raw: bytes, places: set[str]) -> Iterator[_Fit]:
    for page, languages in _PAGES.items():
        try:
            text = raw.decode(page)
        except UnicodeDecodeError:
            continue
        beyond = "".join(letter for letter in text if letter > "\x7f")
        words = [word for word in _WORD.findall(text) if not word.isascii()]
        odd = sum(letter > "\x7f" and letter not in _SIGNS for letter in _WORD.sub("", text))
        counted = odd + sum(map(_beyond, words))
        for language in languages:
            share = sum(map(language.explained, words)) / counted if counted else 1.0
            yield _Fit(share, len(places & set(language.countries.split())), page, beyond)


def _beyond(word: str) -> int:
    return sum(letter > "\x7f" for letter in word)


def _places(raw: bytes) -> set[str]:
    """Countries of IBANs, and currencies."""
    return {found.decode() for pattern in (_IBAN, _CURRENCY) for found in pattern.findall(raw)}


@dataclass(slots=True)
class Decoding:
    """Lines as text: each as UTF-8 where it can be, else in the page that those that can't have in common.

    What was guessed is noted, once.
    """

    notes: list[tuple[str, str]] = field(default_factory=list)
    guess: Guess | None = None

    @classmethod
    def of(cls, beginning: bytes) -> Decoding:
        """The decoding for a file that begins so."""
        decoding, others = cls(), [line for line in beginning.split(b"\n")[:-1] or [beginning] if not _is_utf8(line)]
        if others and b"\x00" not in beginning[:64]:
            decoding.take(b"\n".join(others), beginning)
        return decoding

    def __call__(self, raw: bytes) -> str:
        """A line."""
        if _is_utf8(raw):
            return raw.decode()
        guess = self.guess or self.take(raw, raw)
        return raw.decode(guess.value, "replace")

    def refuse_doubt(self) -> None:
        """Raises `FormatRefused` where the page is no more than a habit: a payee's name has to be the very one."""
        if self.guess is not None and self.guess.confidence < _LIKELY:
            raise FormatRefused(
                "The letters beyond ASCII can be those of several code pages.",
                "Save the list as UTF-8, or say which it is in its profile (encoding).",
            )

    def take(self, others: bytes, whole: bytes) -> Guess:
        """Guesses the page from lines that are no UTF-8, in a file that tells countries and currencies."""
        self.guess = code_page(b"\n".join((others, *sorted(_told(whole)))))
        self.notes.append(("encoding", f"no encoding was declared; guessed was {self.guess}"))
        return self.guess


def _told(whole: bytes) -> set[bytes]:
    return {found[0] for pattern in (_IBAN, _CURRENCY) for found in pattern.finditer(whole)}


def _is_utf8(raw: bytes) -> bool:
    try:
        raw.decode()
    except UnicodeDecodeError:
        return False
    return True
