"""One folder per business process, each a pure state machine declared as data.

Way in: `registry.py`, the explicit list.
May not be here: input and output, one process importing another, knowledge of vendors.
"""
