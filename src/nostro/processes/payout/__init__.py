"""A payment provider's payout: its lines add up, one bank credit answers it.

Way in: PROCESS.md for the story, `v1/machine.py` for the table.
May not be here: input and output; another process.
"""
