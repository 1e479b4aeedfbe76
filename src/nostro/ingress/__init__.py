"""What arrives: webhooks, files, polls become receipts, facts and arrivals.

Way in: one function per source; the reading step.
May not be here: decisions; a 2xx before the receipt is committed.
"""
