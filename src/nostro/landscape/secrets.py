"""Secrets by reference: `env:NAME` or `file:PATH`. A landscape never holds a secret itself.

Whoever needs one (runtime, egress) resolves it in memory; neither the bundle nor a log sees more than the reference.
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Self

from pydantic import AfterValidator

from nostro.model.failures import LandscapeRefused

_REFERENCE = re.compile(r"env:[A-Za-z_][A-Za-z0-9_]*|file:.*\S")
_IN_CLEAR = re.compile(
    r"\b(?:sk|rk)_(?:live|test)_\w{4,}|\bwhsec_\w{4,}|-----BEGIN [A-Z ]*PRIVATE KEY|://[^/\s:@]+:[^/\s@]+@"
)
_MODE = re.compile(r"^(?:sk|rk|pk)_(live|test)_")
_LIMIT_BYTES = 65_536


@dataclass(frozen=True, slots=True)
class SecretReference:
    """Where a secret is kept."""

    scheme: str
    name: str

    @classmethod
    def parse(cls, text: str) -> Self:
        """From `env:NAME` or `file:PATH`; raises `ValueError` for anything else, and never repeats it."""
        if not _REFERENCE.fullmatch(text):
            message = "a secret is named, never written down: env:NAME or file:PATH"
            raise ValueError(message)
        scheme, name = text.split(":", 1)
        return cls(scheme, name)

    def resolve(self, folder: Path, environment: Mapping[str, str] | None = None) -> str:
        """The secret. A file's path is relative to the landscape's folder. Raises `LandscapeRefused` without it."""
        if self.scheme == "env":
            found = (os.environ if environment is None else environment).get(self.name, "")
            if not found:
                raise LandscapeRefused(
                    f"The environment variable {self.name} is not set.", "Set what is missing, and start again."
                )
            return found
        path = folder / self.name
        flaw = file_flaw(path)
        if flaw:
            raise LandscapeRefused(f"{path} {flaw}.", f"Make it a file that only you can read: chmod 600 {path}")
        found = path.read_text(encoding="utf-8").strip()
        if not found:
            raise LandscapeRefused(f"{path} is empty.", "Put the secret into it.")
        return found


def _checked(text: str) -> str:
    SecretReference.parse(text)
    return text


SecretText = Annotated[str, AfterValidator(_checked)]
"""A reference as it stands in a file."""


def file_flaw(path: Path) -> str:
    """Why a secret's file can't be taken; empty when it can. Others may neither read nor write it."""
    try:
        found = path.stat()
    except OSError:
        return "can't be read"
    if not stat.S_ISREG(found.st_mode) or found.st_size > _LIMIT_BYTES:
        return "is no small file"
    if found.st_uid not in (os.geteuid(), 0):
        return "belongs to somebody else"
    return "can be read by others" if found.st_mode & 0o077 else ""


def looks_secret(text: str) -> bool:
    """Whether a text holds what is surely a secret: a provider's key, a private key, a password in a URL."""
    return _IN_CLEAR.search(text) is not None


def environment_flaw(secret: str, environment: str) -> str:
    """A live key outside of production, or a test key in it; empty when neither. Never repeats the secret."""
    told = _MODE.match(secret)
    if told is None or (told[1] == "live") == (environment == "prod"):
        return ""
    return f"a {told[1]} key in environment {environment}"


def resolve_all(
    references: Mapping[str, str], folder: Path, environment: str, variables: Mapping[str, str] | None = None
) -> dict[str, str]:
    """Secrets by name. Raises one `LandscapeRefused` for all that are missing, or keys of the wrong environment."""
    found: dict[str, str] = {}
    flaws: list[LandscapeRefused] = []
    for name, text in references.items():
        try:
            found[name] = _fitting(name, SecretReference.parse(text).resolve(folder, variables), environment)
        except LandscapeRefused as flaw:
            flaws.append(flaw)
    if flaws:
        raise all_of(flaws)
    return found


def _fitting(name: str, secret: str, environment: str) -> str:
    flaw = environment_flaw(secret, environment)
    if flaw:
        raise LandscapeRefused(f"The secret {name} is {flaw}.", "Use the key that belongs to this environment.")
    return secret


def all_of(flaws: Sequence[LandscapeRefused]) -> LandscapeRefused:
    """Several refusals as one: a person who has to set five variables hears of five, once."""
    sentences, remedies = (dict.fromkeys(texts) for texts in ((f.sentence for f in flaws), (f.remedy for f in flaws)))
    return LandscapeRefused("\n".join(sentences), " ".join(remedies))
