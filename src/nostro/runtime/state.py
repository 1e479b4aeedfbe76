"""Where a landscape's state lies on this machine: embedded database, generated keys, the command line's log."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from pathlib import Path

from nostro.model.failures import OutOfService

ROOTS_FOLDER = Path("/var/lib/nostro")
HASH_CHARACTERS = 16


def state_folder(folder: Path, environment: Mapping[str, str] = os.environ, *, named: str = "") -> Path:
    """The landscape's state folder, made if it is missing: under `$XDG_DATA_HOME/nostro`, for root /var/lib/nostro.

    `named`: what `nostro.yaml` says instead, relative to the landscape.

    It is named by the landscape's real path, so that two landscapes never share a database; one that is moved begins
    anew unless its `nostro.yaml` says `state`. The user's own data folder follows the XDG Base Directory
    Specification 0.8: a relative `XDG_DATA_HOME` counts as none.
    """
    name = hashlib.sha256(os.fsencode(folder.resolve())).hexdigest()[:HASH_CHARACTERS]
    state = folder.resolve() / named if named else _home(environment) / name
    try:
        state.mkdir(mode=0o711 if os.geteuid() == 0 else 0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise OutOfService(
            f"The state folder {state} can't be made ({error.strerror}).",
            "Name one that you may write to: `state` in nostro.yaml, or XDG_DATA_HOME.",
        ) from None
    return state


def _home(environment: Mapping[str, str]) -> Path:
    told = Path(environment.get("XDG_DATA_HOME", ""))
    if told.is_absolute():
        return told / "nostro"
    if os.geteuid() == 0:
        return ROOTS_FOLDER
    try:
        return Path.home() / ".local" / "share" / "nostro"
    except RuntimeError:  # a container's user has neither HOME nor a line in /etc/passwd
        sentence = "There is no place for the state folder: this user has no home folder."
        raise OutOfService(sentence, "Name one: `state` in nostro.yaml, or XDG_DATA_HOME.") from None
