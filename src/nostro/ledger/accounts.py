"""The accounts of the transit ledger: `kind/entity` or `kind/entity/detail`.

A debit balance is money that somebody holds for us, a credit balance money that we hold for somebody.
"""

from __future__ import annotations

TRANSIT = frozenset({"psp", "suspense", "dispute"})
"""Kinds on which money only rests: an open subject must say that it holds each balance."""

STANDING = "reserve"
"""What a PSP keeps back for a stated time: a position of its own, never more released than held."""

EXCEPTIONS = "unexplained"
"""What was found moved and nothing says why. Any balance here is an exception."""


def customer(entity: str) -> str:
    """Where customers' money comes from and goes back to."""
    return f"customer/{entity}"


def psp(entity: str, connection: str) -> str:
    """What a payment provider owes us."""
    return f"psp/{entity}/{connection}"


def suspense(entity: str) -> str:
    """Money received that clears nothing yet (credit)."""
    return f"suspense/{entity}"


def dispute(entity: str, connection: str) -> str:
    """What a card network took and has not decided upon."""
    return f"dispute/{entity}/{connection}"


def reserve(entity: str, connection: str) -> str:
    """What a payment provider keeps back."""
    return f"reserve/{entity}/{connection}"


def fees(entity: str, connection: str) -> str:
    """What a payment provider earned."""
    return f"fees/{entity}/{connection}"


def fx(entity: str) -> str:
    """The two sides of conversions: one currency in, another out."""
    return f"fx/{entity}"


def bank(entity: str, account: str) -> str:
    """A bank account of ours."""
    return f"bank/{entity}/{account}"


def unexplained(entity: str) -> str:
    """What was found moved and nothing says why."""
    return f"unexplained/{entity}"


def kind_of(account: str) -> str:
    """The account's kind: the part before the first slash."""
    return account.split("/", 1)[0]
