"""Letters that a scheme doesn't take, in those that it does take, after EPC217-08.

Accents fall away, ligatures and special letters are spelt out, Greek and Bulgarian are written in Latin letters:
"SEPA Requirements for an Extended Character Set", European Payments Council.
"""

from __future__ import annotations

import json
import pkgutil
import re
import unicodedata
from collections.abc import Mapping

_TABLE: dict[str, str] = json.loads(pkgutil.get_data("nostro.formats.profiles", "letters.json") or b"{}")


def plainer(text: str, first: Mapping[str, str], taken: re.Pattern[str]) -> str:
    """The text with each letter that is not taken replaced: by `first`, the table, or without its accent.

    A letter for which there is nothing stays, so that it is found.
    """
    return "".join(letter if taken.fullmatch(letter) else _replaced(letter, first, taken) for letter in _joined(text))


def _joined(text: str) -> str:
    return unicodedata.normalize("NFC", text)


def _replaced(letter: str, first: Mapping[str, str], taken: re.Pattern[str]) -> str:
    if letter in first:
        return first[letter]
    base = "".join(part for part in unicodedata.normalize("NFKD", letter) if not unicodedata.combining(part))
    spelt = _TABLE.get(letter) or "".join(_TABLE.get(part, part) for part in base)
    return spelt if spelt and taken.fullmatch(spelt) else letter
