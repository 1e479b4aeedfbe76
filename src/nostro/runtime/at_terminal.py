"""Who types this command: the person of people.yaml, proved by login or passphrase."""

from __future__ import annotations

import getpass
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime

from nostro.acts.identity import Terminal, identify, login
from nostro.governance.rights import proof_of
from nostro.governance.rules import Rules
from nostro.landscape.reading import read_landscape
from nostro.landscape.schema import PeopleFile
from nostro.model.failures import ActRefused, LandscapeRefused
from nostro.runtime.cli_frame import Frame

TRIES = "passphrase-tries.json"


def person(
    frame: Frame, claimed: str, in_force: Rules | None = None, asking: Callable[[str], str] | None = None
) -> str:
    """The id of whoever types. `claimed` empty: whoever this login is. Raises `ActRefused` for nobody.

    `asking` brings the passphrase; by default it is asked for at the terminal.

    With `in_force`, people.yaml has to prove him as it did when it was published: else whoever may write the file could
    act, and publish, as anybody.
    """
    land = read_landscape(frame.landscape())
    people = land.values.get("people.yaml")
    if not isinstance(people, PeopleFile):
        raise LandscapeRefused("people.yaml can't be read.", "`nostro check` says what is wrong with it.")
    terminal = Terminal(ask=asking or ask, wait=time.sleep, tries=frame.state() / TRIES, login=login())
    found = identify(claimed, people.people, terminal, datetime.now(UTC))
    entry = next(person for person in people.people if person.id == found)
    known = in_force.people.get(found) if in_force else None
    if known is not None and known.proof != proof_of(entry.os_user, entry.passphrase):
        sentence = f"people.yaml proves {found} otherwise than the landscape in force."
        raise ActRefused(sentence, 'Somebody else publishes it first: `nostro landscape publish --reason "..."`.')
    return found


def ask(prompt: str) -> str:
    """A passphrase, unseen; from standard input where there is no terminal, so that a script may pipe it."""
    if sys.stdin.isatty():
        return getpass.getpass(prompt)
    line = sys.stdin.readline()
    if not line:
        raise ActRefused("There is nobody to ask for the passphrase.", "Type it at a terminal, or pipe it in.")
    return line.rstrip("\n")
