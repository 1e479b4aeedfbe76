"""Cheque issue files (positive pay): which cheques we wrote, so that the bank pays no others.

Way in: `write_positive_pay`, cheques and a bank's profile in, bytes out; `CSV` and `FIXED` to begin with.
May not be here: input and output of any kind; what one bank wants is a profile, not code.
"""

from nostro.formats.positive_pay.profiles import CSV, FIXED, Column, IssueProfile
from nostro.formats.positive_pay.write import Cheque, write_positive_pay

__all__ = ["CSV", "FIXED", "Cheque", "Column", "IssueProfile", "write_positive_pay"]
