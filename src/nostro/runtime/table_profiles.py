"""Profiles from YAML files: what the columns of a statement or of a list of payments mean, and what a bank takes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import date, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import ValidationError
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from nostro.formats import profiles
from nostro.formats.reading import Format
from nostro.formats.tables.formats import payment_format, table_format
from nostro.formats.tables.payments import PaymentProfile
from nostro.formats.tables.profile import PROFILES, Profile
from nostro.model.failures import Refused, offered


def declared(name: str) -> Format | None:
    """The format of tables that a profile declares. Raises `Refused` for one that is none."""
    if not name:
        return None
    if name in PROFILES:
        return table_format(PROFILES[name])
    with _taken(name, PROFILES, "docs/look-up/formats-national.md") as told:
        if told.get("kind") == "payments":
            return payment_format(PaymentProfile.model_validate({"name": Path(name).stem, **_days_as_text(told)}))
        return table_format(Profile.model_validate(told))


def bank(name: str) -> profiles.Profile | None:
    """What a bank takes: a profile of the house, or the bank's own over one. Raises `Refused` for one that is none."""
    if not name or name in profiles.PROFILES:
        return profiles.profile(name) if name else None
    with _taken(name, profiles.PROFILES, "docs/look-up/formats-iso20022.md#bank-profiles") as told:
        found = profiles.own_profile(Path(name).stem, told)
        if found.cut_off:
            ZoneInfo(found.time_zone or "none")
    return found


def clock_of(rules: profiles.Profile | None, now: datetime) -> datetime:
    """The instant by the bank's own clock, where its profile has one."""
    return now.astimezone(ZoneInfo(rules.time_zone)) if rules and rules.cut_off else now


@contextmanager
def _taken(name: str, known: Iterable[str], described: str) -> Iterator[dict[str, Any]]:
    """What a YAML file says. Raises `Refused` where there is none, and for whatever of it can't be taken."""
    path = Path(name)
    if not path.is_file():
        raise Refused(f"There is no profile {name!r}.", f"{offered(name, known)} Or name a YAML file.")
    try:
        with path.open(encoding="utf-8") as file:
            told = YAML(typ="safe").load(file)
        if not isinstance(told, dict):
            raise Refused(f"The profile {name} holds no fields.", f"See {described}.")
        yield told
    except ZoneInfoNotFoundError:
        raise Refused(
            f"The profile {name} has a cut-off, and no time zone that is known.", "time_zone: Europe/Berlin"
        ) from None
    except (OSError, UnicodeDecodeError, YAMLError, ValidationError) as error:
        raise Refused(f"The profile {name} can't be taken: {_why(error)}.", f"See {described}.") from None


def _why(error: Exception) -> str:
    if isinstance(error, ValidationError):
        flaws = error.errors(include_url=False, include_input=False)
        return "; ".join(f"{'.'.join(str(part) for part in flaw['loc'])}: {flaw['msg']}" for flaw in flaws)
    return str(error).replace("\n", " ")


def _days_as_text(told: dict[str, Any]) -> dict[str, Any]:
    """YAML reads days and numbers by itself, where a person wrote what would stand in a cell."""
    same = told.get("same")
    if not isinstance(same, dict):
        return told
    return {**told, "same": {name: said.isoformat() if isinstance(said, date) else str(said)
                             for name, said in same.items()}}  # fmt: skip
