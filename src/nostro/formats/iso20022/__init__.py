"""ISO 20022 statements, payments, statuses, returns and investigations in every version, read tolerantly and streaming.

Way in: the reader of each message family.
May not be here: sockets and files; entities, network access or unbounded depth in XML.
"""
