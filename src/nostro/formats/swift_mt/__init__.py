"""SWIFT MT: statements (940, 942, 950), confirmations (900, 910) and payments (101, 103, 202, also COV).

Way in: `read.read_mt`, `write_statement.write_mt940`, `write_transfers.write_mt101`. Source: SWIFT User Handbook,
categories 1, 2 and 9, and what banks make of it. No I/O here.
"""
