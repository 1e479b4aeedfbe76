"""Profiles of tables from YAML files: what the columns of a statement or of a list of payments mean."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from nostro.formats.reading import Format
from nostro.formats.tables.formats import payment_format, table_format
from nostro.formats.tables.payments import PaymentProfile
from nostro.formats.tables.profile import PROFILES, Profile
from nostro.model.failures import Refused, near


def declared(name: str) -> Format | None:
    """The format of tables that a profile declares. Raises `Refused` for one that is none."""
    if not name:
        return None
    if name in PROFILES:
        return table_format(PROFILES[name])
    path = Path(name)
    if not path.is_file():
        remedy = f"{near(name, PROFILES)}Name a YAML file, or one of: {', '.join(PROFILES)}."
        raise Refused(f"There is no profile {name!r}.", remedy)
    try:
        with path.open(encoding="utf-8") as file:
            told = YAML(typ="safe").load(file)
        if isinstance(told, dict) and told.get("kind") == "payments":
            return payment_format(PaymentProfile.model_validate({"name": path.stem, **_days_as_text(told)}))
        return table_format(Profile.model_validate(told))
    except (OSError, UnicodeDecodeError, YAMLError, ValidationError) as error:
        raise Refused(
            f"The profile {name} can't be taken: {_why(error)}.", "See docs/look-up/formats-national.md."
        ) from None


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
