"""The statements of one bank account: none missing, none doubled, each balance carried on.

Way in: PROCESS.md for the story, `v1/machine.py` for the table.
May not be here: input and output; another process.
"""
