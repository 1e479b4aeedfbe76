"""Bacs, the UK's clearing: its reports on returns and changed mandates, and Standard 18 payment files.

Way in: `read_bacs_reports` and `read_standard_18`, bytes in, located items and rejects out; `write_standard_18`.
May not be here: modulus checks of account numbers, input and output of any kind.
"""

from nostro.formats.bacs.reports import read_bacs_reports
from nostro.formats.bacs.standard_18 import read_standard_18
from nostro.formats.bacs.write import Standard18, write_standard_18

__all__ = ["Standard18", "read_bacs_reports", "read_standard_18", "write_standard_18"]
