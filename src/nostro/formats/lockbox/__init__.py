"""Lockbox files in the BAI layout: cheques that a bank opened and deposited for us, with the invoices they pay.

Way in: `read_lockbox`, bytes in, located items and rejects out.
May not be here: input and output of any kind, knowledge of which bank sent the file (its layout is data).
"""

from nostro.formats.lockbox.layout import BAI, Layout
from nostro.formats.lockbox.read import read_lockbox

__all__ = ["BAI", "Layout", "read_lockbox"]
