"""Where a bank's lockbox records keep what: data, since banks and their customers agree on layouts of their own."""

from __future__ import annotations

from collections.abc import Mapping

from nostro.formats.nacha.headers import day

Places = Mapping[str, slice]
Layout = Mapping[str, Places]
"""By record type. A part that a layout leaves out is not read."""

BAI: Layout = {
    "1": {"destination": slice(3, 13), "origin": slice(13, 23), "date": slice(23, 29), "time": slice(29, 33)},
    "2": {"reference": slice(21, 31), "service": slice(31, 34), "width": slice(34, 37)},
    "5": {"batch": slice(1, 4), "lockbox": slice(7, 14), "date": slice(14, 20)},
    "6": {
        "batch": slice(1, 4), "item": slice(4, 7), "amount": slice(7, 17), "routing": slice(17, 26),
        "account": slice(26, 36), "cheque": slice(36, 45), "date": slice(45, 51), "payer": slice(51, 80),
    },
    "4": {
        "batch": slice(1, 4), "item": slice(4, 7), "last": slice(10, 11), "invoice": slice(11, 27),
        "paid": slice(27, 37), "deducted": slice(37, 47), "reason": slice(47, 50),
    },
    "7": {"batch": slice(1, 4), "count": slice(20, 23), "total": slice(23, 33)},
    "8": {"lockbox": slice(7, 14), "count": slice(20, 24), "total": slice(24, 34)},
    "9": {"count": slice(1, 7)},
}  # fmt: skip
"""BAI "Lockbox Communications Standards for Banks", 80 characters, one invoice an overflow record."""

_WIDE: Places = {
    "batch": slice(1, 4), "item": slice(4, 7), "amount": slice(7, 17), "routing": slice(17, 26),
    "account": slice(26, 36), "cheque": slice(36, 46), "date": slice(46, 52), "payer": slice(52, 82),
    "payee": slice(82, 160),
}  # fmt: skip
"""Cheques of the variant with 104 characters and more: a longer number, the month before day and year, a payee."""
_NARROW = 80


def cheque_fields(record: str, layout: Layout) -> dict[str, str]:
    """The fields of record 6, of whichever width where the layout is BAI's; the date as YYMMDD."""
    wide = layout is BAI and _is_wide(record)
    places = _WIDE if wide else layout["6"]
    fields = {name: record[at].strip() for name, at in places.items()}
    if "amount" in places and len(record) < places["amount"].stop:
        fields["cut"] = "amount"
    if wide:
        fields["date"] = _year_first(fields["date"])
    return fields


def _is_wide(record: str) -> bool:
    """By its length; a shorter one has a date where the narrow layout has none."""
    if len(record.rstrip()) > _NARROW:
        return True
    said = record[36:52]
    return len(said) == 16 and said.isdecimal() and day(said[9:15]) is None and day(_year_first(said[10:])) is not None


def _year_first(date: str) -> str:
    return date[4:] + date[:4]
