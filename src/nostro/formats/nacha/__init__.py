"""NACHA files of the US automated clearing house: payments, returns, notifications of change, advices.

Way in: `read_nacha`, bytes in, located items and rejects out; `write_nacha`, payments in, bytes out.
May not be here: input and output of any kind, knowledge of who sent the file.
"""

from nostro.formats.nacha.read import read_nacha
from nostro.formats.nacha.write import NachaBatch, NachaFile, write_nacha

__all__ = ["NachaBatch", "NachaFile", "read_nacha", "write_nacha"]
