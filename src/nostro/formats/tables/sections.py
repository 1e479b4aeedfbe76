"""Tables one below the other in one file: of several bank accounts, as comdirect exports them, or page by page."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from nostro.formats.tables.cells import text
from nostro.formats.tables.profile import Profile
from nostro.formats.tables.row_words import balance_of_row
from nostro.formats.tables.rows import Row, places_of
from nostro.formats.tables.words import names_columns

ANOTHER = "another table begins here, maybe of another account: nothing of it is read; give it in a file of its own"


@dataclass(slots=True)
class Sections:
    """Follows a table's rows. `begun`: it has a movement; `apart`: a title stands behind the last one."""

    profile: Profile
    begun: bool = False
    apart: bool = False

    def meet(self, row: Row, day: str, places: Mapping[str, Sequence[int]]) -> Literal["row", "again", "another"]:
        """What a row is: one of the table, its columns named again, or the beginning of another table.

        `day`: what stands where the day of booking does. Columns that are named once more are those of this table where
        they are alike and each row tells its account, or nothing stands between that would tell one.
        """
        if row.is_empty:
            return "row"
        if any(letter.isdigit() for letter in day):
            self.begun, self.apart = True, False
            return "row"
        found = places_of(self.profile.columns, row.cells) if self.profile.header else {}
        if not (found or names_columns(map(text, row.cells))):
            self.apart = self.apart or _is_title(row)
            return "row"
        if not self.begun and not (self.apart and self.profile.header):
            return "row"  # the names of a table that is said to have none, or in a second language
        goes_on = found == places and ("bank_account" in places or not self.apart)
        return "again" if goes_on else "another"


_PAGE = re.compile(r"(?:page|seite|pag(?:ina|e)?|strona|strana|sid[ae]|blad)\W*\d.*", re.IGNORECASE)


def _is_title(row: Row) -> bool:
    """Whether words begin a row that are no balance and no number of a page: what follows may be something else."""
    said = text(row.cells[0])
    return bool(said) and not _PAGE.fullmatch(said) and not balance_of_row(row.cells)


@dataclass(slots=True)
class Names:
    """The names of a file's statements: no bank account has two of one name."""

    given: set[tuple[str, str]] = field(default_factory=set)

    def another(self, account: str, first: str) -> str:
        """The name, with a number where the account comes again behind rows of another one."""
        name, number = first, 1
        while (account, name) in self.given:
            number += 1
            name = f"{first}/{number}"
        self.given.add((account, name))
        return name
