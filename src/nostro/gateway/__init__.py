"""The public HTTP surface: webhook endpoints and the API.

Way in: the application that the runtime serves.
May not be here: decisions, client sockets, an anonymous route.
"""
