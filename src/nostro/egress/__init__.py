"""The only place with client sockets: calls over HTTP, anchors by mail or command; it drives the exchanges.

Way in: the shell that takes an exchange and a connection's slot.
May not be here: a vendor's knowledge (connectors have it); a network call inside a database transaction.
"""
