"""What a bank wants its cheque issue file to look like, as data. There is no standard: each bank has its own."""

from __future__ import annotations

from typing import Literal

from nostro.model.base import Value

Told = Literal["routing", "account", "cheque", "amount", "issued", "payee", "mark", "count", "total", "fixed"]
"""What a column holds. `mark`: issued or void; `count` and `total` (of trailers): cheques, and their amounts' sum."""


class Column(Value):
    """A column. Width 0: as long as it is (CSV); else filled up, on the left when `right`, and never cut."""

    told: Told
    name: str = ""
    width: int = 0
    right: bool = False
    fill: str = " "
    text: str = ""
    date: str = "%m/%d/%Y"
    cents: bool = False


class IssueProfile(Value):
    """A bank's file: `separator` empty means fixed width; a heading and a trailer where the bank wants them."""

    name: str
    columns: tuple[Column, ...]
    separator: str = ","
    heading: bool = False
    trailer: tuple[Column, ...] = ()
    issued_mark: str = "I"
    void_mark: str = "V"
    line_end: str = "\r\n"
    most: int = 1_000_000


CSV = IssueProfile(
    name="csv",
    heading=True,
    columns=(
        Column(told="account", name="Account Number"),
        Column(told="cheque", name="Check Number"),
        Column(told="amount", name="Amount"),
        Column(told="issued", name="Issue Date"),
        Column(told="payee", name="Payee"),
        Column(told="mark", name="Issue/Void"),
    ),
)
"""The columns that banks' portals ask for most."""

FIXED = IssueProfile(
    name="fixed",
    separator="",
    columns=(
        Column(told="account", width=10, right=True, fill="0"),
        Column(told="cheque", width=10, right=True, fill="0"),
        Column(told="amount", width=12, right=True, fill="0", cents=True),
        Column(told="issued", width=8, date="%Y%m%d"),
        Column(told="mark", width=1),
        Column(told="payee", width=39),
    ),
    trailer=(
        Column(told="fixed", width=10, text="9999999999"),
        Column(told="count", width=10, right=True, fill="0"),
        Column(told="total", width=12, right=True, fill="0", cents=True),
        Column(told="fixed", width=48, text=""),
    ),
)
"""Eighty characters a cheque, and a trailer with count and total."""
