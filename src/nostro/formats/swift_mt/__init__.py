"""SWIFT MT: statements (940, 942, 950), confirmations (900, 910) and payments (101, 103, 202, also COV).

Way in: `read_mt`, `write_mt940`, `write_mt101`. Source: SWIFT User Handbook, categories 1, 2 and 9, and what banks make
of it. No I/O here.
"""

from nostro.formats.swift_mt.read import read_mt
from nostro.formats.swift_mt.write_statement import write_mt940
from nostro.formats.swift_mt.write_transfers import write_mt101

__all__ = ["read_mt", "write_mt101", "write_mt940"]
