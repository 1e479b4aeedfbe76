"""What people do (approve, match, re-run, stop), read like any other sender's receipts.

Way in: `manifest.py`; acts write the receipts, this reads them.
May not be here: policy (acts decides before it writes); another connector.
"""
