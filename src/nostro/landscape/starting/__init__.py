"""A landscape to start from: one company with an Odoo, a payment provider and a bank, all in *observe*.

Way in: `begin`, which copies the files beside this module.
May not be here: anything that `nostro check` would find.
"""

from __future__ import annotations

import base64
import contextlib
import json
import os
from collections.abc import Callable, Mapping
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any

from nostro.model.failures import LandscapeRefused

KEYS = ("keys/master.key", "keys/seal.key")
EMPTY = ("inbox/bank-de", "anchors")
SCHEMAS = ".schemas"
IGNORED = ".gitignore"
_KEY_BYTES = 32


def begin(
    folder: Path, login: str, chance: Callable[[int], bytes], schemas: Mapping[str, Mapping[str, Any]]
) -> list[str]:
    """Writes the landscape and two fresh keys; returns the files. `chance(n)`: n bytes fit for keys.

    Raises `LandscapeRefused` when anything is there already or can't be written. It leaves all of them or none, also
    where it is interrupted.
    """
    contents = {file: text.replace("LOGIN", login) for file, text in _templates(resources.files(__name__), "").items()}
    there = [name for name in (*contents, *KEYS) if name != IGNORED and (folder / name).exists()]
    if there:
        sentence = f"{folder} holds {', '.join(sorted(there))} already: nothing was written."
        raise LandscapeRefused(sentence, "Choose an empty folder: `nostro init FOLDER`.")
    ignoring, before = (folder / IGNORED).exists(), None
    try:
        if ignoring:
            before = (folder / IGNORED).read_text(encoding="utf-8")
            contents[IGNORED] = f"{before}\n{contents[IGNORED]}"
        for name, text in contents.items():
            _written(folder / name, text, 0o644)
        for name in KEYS:
            _written(folder / name, base64.b64encode(chance(_KEY_BYTES)).decode() + "\n", 0o600)
        for name in EMPTY:
            (folder / name).mkdir(parents=True, exist_ok=True)
        return sorted([*contents, *KEYS, *write_schemas(folder, schemas)])
    except BaseException as error:  # Ctrl-C too must leave nothing that the next one would refuse
        for name in {*contents, *KEYS} - ({IGNORED} if ignoring else set()):  # no other was there before
            with contextlib.suppress(OSError):
                (folder / name).unlink(missing_ok=True)
        if before is not None:
            _written(folder / IGNORED, before, 0o644)
        if not isinstance(error, OSError):
            raise
        remedy = "Choose a folder that you may write to and that has room."
        raise LandscapeRefused(f"{error.filename or folder} can't be written ({error.strerror}).", remedy) from None


def write_schemas(folder: Path, schemas: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """Writes JSON Schemas where the files' first lines say that editors find them; returns the files."""
    for name, schema in schemas.items():
        _written(folder / SCHEMAS / name, json.dumps(schema, indent=2, sort_keys=True) + "\n", 0o644)
    return [f"{SCHEMAS}/{name}" for name in schemas]


def _templates(place: Traversable, prefix: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for part in sorted(place.iterdir(), key=lambda part: part.name):
        if part.is_dir() and not part.name.startswith("__"):
            found |= _templates(part, f"{prefix}{part.name}/")
        elif part.name.endswith((".yaml", ".json")):
            found[prefix + part.name] = part.read_text(encoding="utf-8")
        elif part.name == "gitignore":
            found[IGNORED] = part.read_text(encoding="utf-8")
    return found


def _written(path: Path, text: str, mode: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700 if mode == 0o600 else 0o755)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode), "w", encoding="utf-8") as file:
        file.write(text)
