"""What arrives: webhooks, files, polls become receipts, facts and arrivals.

Way in: `receiving.Intake` for every way in, and the steps `Readings`, `Folders`, `Polls` and `Limits`.
May not be here: decisions; a 2xx before the receipt is committed.
"""
