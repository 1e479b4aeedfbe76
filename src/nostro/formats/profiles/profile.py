"""A profile's shape, and the profiles that come with the house. A bank's own is one of them, changed."""

from __future__ import annotations

import json
import pkgutil
import re
from collections.abc import Mapping
from datetime import date
from functools import cached_property, lru_cache
from typing import Any, Literal

from pydantic import field_validator

from nostro.formats.profiles.letters import plainer
from nostro.model.base import Value
from nostro.model.failures import FormatRefused, offered
from nostro.model.money import PlainDecimal
from nostro.model.parties import Address

AddressForm = Literal["none", "unstructured", "hybrid", "structured"]
LeftOut = Literal[
    "country",  # the country of residence of any party
    "further_ids",  # of a party's other ids all but the first
    "sender_address",  # of whoever sends the message
    "ultimate_address",  # of whoever stands behind a side
    "account_scheme",  # which kind of number another one than an IBAN is
    "clearing_id",  # of a bank
    "UETR",
    "collector_ids",  # ids of who collects, beside the creditor id
    "collection_priority",
]
PROFILES = ("iso", "sepa", "dk", "sps", "cbpr")
"""ISO 20022's own limits; EPC "SEPA" implementation guidelines; DK's; Swiss Payment Standards; CBPR+."""
_REMEMBERED = 10_000
_TIME = re.compile(r"(?:[01]\d|2[0-3]):[0-5]\d")
_SEPARATOR = re.compile(r"[/\\]")
_NO_NAME = re.compile(r"[^A-Za-z0-9._-]")


class AddressRule(Value):
    """From a settlement date on: the forms of address that are taken, and what a form with fields must hold."""

    since: date
    forms: tuple[AddressForm, ...]
    needed: tuple[str, ...] = ("town", "country")
    lines: int = 2


class Profile(Value):
    """What is taken. `letters` are regular expressions of one character; empty lists allow everything.

    `banks_needed`: whose bank has to be named beside its account. `hybrid`: whether the bank takes addresses that mix
    fields and lines, where the scheme allows them. `qr_references`: the Swiss rules for them hold. `batch_booking` is
    what we ask for where a payment says nothing, `batch_bookings` what is taken. `largest` is of a payment,
    `largest_file` of the control sum.

    `leaves_out`: what the scheme's messages have no element for, and no payment hangs on. Of what one does hang on, so
    many `intermediaries`, `structured_blocks` of remittance and `requests` to the payee's bank are taken, and
    `documents`, `own_purposes` (no codes) and `exchanges` (an amount in another currency, or a rate) or not.
    `reference_type`: what a creditor reference that is not of ISO 11649 is called. `rulebook`: the EPC's holds for
    collections.

    Until `cut_off` of the bank's local time (`14:30`) payments of the same day are taken. `file_name` has the
    placeholders `message_id`, `day`, `time` and `kind`.
    """

    name: str
    title: str
    extends: str = ""
    versions: dict[str, str] = {}
    letters: str
    letters_of_ids: str
    transliterates: bool = False
    replaced: dict[str, str] = {}
    lengths: dict[str, int] = {}
    addresses: tuple[AddressRule, ...] = ()
    hybrid: bool = False
    currencies: tuple[str, ...] = ()
    largest: PlainDecimal | None = None
    charge_bearers: tuple[str, ...] = ()
    service_levels: tuple[str, ...] = ()
    local_instruments: tuple[str, ...] = ()
    batch_booking: bool | None = None
    batch_bookings: tuple[bool, ...] = ()
    payments_per_file: int | None = None
    largest_file: PlainDecimal | None = None
    iban_only: bool = False
    banks_needed: tuple[Literal["ours", "theirs"], ...] = ()
    remittance_lines: int = 200
    remittance_either: bool = False
    qr_references: bool = False
    leaves_out: tuple[LeftOut, ...] = ()
    intermediaries: int = 3
    structured_blocks: int | None = None
    documents: bool = True
    own_purposes: bool = True
    requests: int | None = None
    reference_type: str = ""
    exchanges: bool = True
    rulebook: bool = False
    default_end_to_end: str = "NOTPROVIDED"
    default_charge_bearer: str = ""
    default_service_level: str = ""
    cut_off: str = ""
    time_zone: str = ""
    file_name: str = "{kind}_{day}_{message_id}.xml"

    @field_validator("letters", "letters_of_ids")
    @classmethod
    def _is_a_pattern(cls, said: str) -> str:
        try:
            re.compile(said)
        except re.error as error:
            message = f"no regular expression: {error}"
            raise ValueError(message) from None
        return said

    @field_validator("cut_off")
    @classmethod
    def _is_a_time(cls, said: str) -> str:
        if said and not _TIME.fullmatch(said):
            message = "a time of the day is written as 14:30"
            raise ValueError(message)
        return said

    @field_validator("file_name")
    @classmethod
    def _has_known_places(cls, said: str) -> str:
        try:
            made = said.format(kind="", message_id="", day="", time="")
        except (KeyError, IndexError, ValueError):
            message = "the placeholders are {kind}, {message_id}, {day} and {time}"
            raise ValueError(message) from None
        if _SEPARATOR.search(made):
            message = "it names a file, not a folder"
            raise ValueError(message)
        return said

    @cached_property
    def text_pattern(self) -> re.Pattern[str]:
        """What a text of people's may hold."""
        return re.compile(f"(?:{self.letters})*")

    @cached_property
    def id_pattern(self) -> re.Pattern[str]:
        """What an identification may hold."""
        return re.compile(f"(?:{self.letters_of_ids})*")

    def written(self, text: str) -> str:
        """The text as it is written: in the profile's letters, where it replaces others."""
        if not self.transliterates or self.text_pattern.fullmatch(text):
            return text
        if text not in self._replacements:
            if len(self._replacements) >= _REMEMBERED:
                self._replacements.clear()
            self._replacements[text] = plainer(text, self.replaced, self.text_pattern)
        return self._replacements[text]

    @cached_property
    def _replacements(self) -> dict[str, str]:
        """What texts became: ours stands in every payment."""
        return {}

    def address_rule(self, day: date) -> AddressRule | None:
        """The rule for addresses of a settlement date."""
        in_force = [rule for rule in self.addresses if rule.since <= day]
        return max(in_force, key=lambda rule: rule.since, default=None)

    def file_name_of(self, kind: str, message_id: str, day: date, time: str = "000000") -> str:
        """The name that the bank wants for a file. An id may hold what no name of a file does."""
        name = _NO_NAME.sub("-", message_id)
        return self.file_name.format(kind=kind, message_id=name, day=f"{day:%Y%m%d}", time=time)


def form_of(address: Address | None) -> AddressForm:
    """Which form of address it is. A country alone beside lines is still unstructured: it always could stand there."""
    if address is None:
        return "none"
    fields = address.street or address.building or address.postcode or address.town or address.region or address.others
    if address.lines:
        return "hybrid" if fields else "unstructured"
    return "structured" if fields or address.country else "none"


@lru_cache(maxsize=64)
def profile(name: str) -> Profile:
    """A profile by its name; raises `FormatRefused` for one that there is not."""
    return Profile.model_validate({**_told(name), "name": name})


def own_profile(name: str, told: Mapping[str, Any]) -> Profile:
    """A bank's own: what it changes of the profile that it extends (`iso` where it names none).

    Raises `FormatRefused` for one that there is not, and pydantic's `ValidationError`.
    """
    return Profile.model_validate({**_extended({"extends": "iso", **told}), "name": name})


def _told(name: str) -> dict[str, Any]:
    if name not in PROFILES:
        raise FormatRefused(f"There is no profile {name!r}.", offered(name, PROFILES))
    return _extended(json.loads(pkgutil.get_data("nostro.formats.profiles", f"{name}.json") or b"{}"))


def _extended(own: dict[str, Any]) -> dict[str, Any]:
    """A profile's data over those of the one that it extends; what is a table is extended row by row."""
    if not own.get("extends"):
        return own
    base = _told(own["extends"])
    tables = {
        field: {**base[field], **told}
        for field, told in own.items()
        if isinstance(base.get(field), dict) and isinstance(told, dict)
    }
    return {**base, **own, **tables}
