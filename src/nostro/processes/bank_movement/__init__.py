"""One movement on a bank account: told by many reports, booked once, matched by references.

Way in: PROCESS.md for the story, `v1/machine.py` for the table.
May not be here: input and output; another process.
"""
