"""Money in for one open item: captured, paid out, credited, returned.

Way in: PROCESS.md for the story, `v1/machine.py` for the table.
May not be here: input and output; another process.
"""
