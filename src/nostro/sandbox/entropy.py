"""All chance of the sandbox, drawn from a seed and a purpose, never from the machine: same seed, same run.

A draw is keyed by what it is about (this event, the third call of this path), not by how many draws came before. So two
worlds of one seed meet the same faults although one house asks more often than the other.
"""

import hashlib
import random

_ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"


def chance(seed: int, *purpose: object) -> random.Random:
    """The source of chance for one purpose; a string seed is hashed by SHA-512, alike on every machine and run."""
    return random.Random("/".join(str(part) for part in (seed, *purpose)))  # noqa: S311 - repeatable is what we need


def token(length: int, seed: int, *purpose: object) -> str:
    """A made-up identifier of letters and digits that the same seed and purpose always give again."""
    text = "/".join(str(part) for part in (seed, *purpose))
    number = int.from_bytes(hashlib.sha512(text.encode()).digest())
    letters = []
    for _ in range(length):
        number, place = divmod(number, len(_ALPHABET))
        letters.append(_ALPHABET[place])
    return "".join(letters)
