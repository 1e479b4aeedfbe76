"""ISO 20022 messages that we send: initiations, status reports, cancellations, requests for statements.

Way in: `write_pain001`, `write_pain008`, `write_pain002`, `write_camt055`, `write_camt056`, `write_camt060`; `schema`.
May not be here: anything tolerant. What would break its profile or its schema is refused before the first byte.
"""
