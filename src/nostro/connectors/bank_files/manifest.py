"""What the connector declares: it takes files from a watched folder, reads them, and never writes anything."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from nostro.connectors.bank_files.read import INFORMATION, read
from nostro.connectors.kit.manifest import Connector, Manifest
from nostro.model.base import Value, confidential_fields
from nostro.model.facts import EntryReported


class Profile(Value):
    """How one bank tells things, where the standard leaves it open.

    `intraday`: whether a camt.052 repeats the whole day (`cumulative`) or tells what is new since the last one
    (`delta`). `references`: whether all kinds of documents call a movement alike (`shared`), or statements have
    references of their `own`; as long as it is `unknown`, movements that nothing else identifies wait for a person.
    """

    intraday: Literal["cumulative", "delta"] = "cumulative"
    references: Literal["unknown", "own", "shared"] = "unknown"


class BankFilesConfig(Value):
    """A connection: the folder that the bank's files arrive in, and the profiles that its bank accounts name."""

    folder: str = Field(min_length=1)
    profiles: dict[str, Profile] = {"default": Profile()}

    def profile(self, name: str) -> Profile:
        """The profile of that name; one that nobody declared is the default."""
        return self.profiles.get(name, Profile())


MANIFEST = Manifest(
    name="bank_files",
    title="Files of banks that arrive in a folder: statements in any format that `nostro parse` knows",
    config=BankFilesConfig,
    ignored=frozenset({INFORMATION}),
    confidential=confidential_fields(EntryReported),
    watches_folder=True,
    body_limit=2_147_483_648,
)
CONNECTOR = Connector(manifest=MANIFEST, read=read)
