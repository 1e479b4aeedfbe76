"""National and other statements in the catalogue."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

from nostro.formats.bai2.read import is_bai2, read_bai2
from nostro.formats.cfonb.operations import is_cfonb240, read_cfonb240
from nostro.formats.cfonb.orders import is_cfonb160, read_cfonb160
from nostro.formats.cfonb.statement import is_cfonb120, read_cfonb120
from nostro.formats.coda.read import is_coda, read_coda
from nostro.formats.norma43 import is_norma43, read_norma43
from nostro.formats.ofx.read import is_ofx, read_ofx
from nostro.formats.qif import is_qif, read_qif
from nostro.formats.reading import Format, Item
from nostro.formats.tables.formats import TABLE
from nostro.formats.tables.writer import write_csv

NATIONAL: Sequence[Format] = (
    Format("coda", "CODA, Belgian statements", is_coda, read_coda),
    Format("cfonb120", "CFONB 120, French statements", is_cfonb120, read_cfonb120),
    Format("cfonb240", "CFONB 240, French lists of bills and transfers", is_cfonb240, read_cfonb240),
    Format("cfonb160", "CFONB 160, French orders", is_cfonb160, read_cfonb160, proven=False),
    Format("norma43", "Norma 43, Spanish statements", is_norma43, read_norma43),
    Format("bai2", "BAI2 balance reports", is_bai2, read_bai2),
    Format("ofx", "OFX 1 and 2, statements of banks and cards", is_ofx, read_ofx),
    Format("qif", "QIF", is_qif, read_qif),
    TABLE,
)
"""Tables come last: nearly anything could be one."""

WRITERS: Mapping[str, Callable[[Iterable[Item]], Iterator[bytes]]] = {"csv": write_csv}
"""What statements can be written as."""
