"""Odoo by JSON-2 and JSON-RPC: invoices in; payments, statement lines and entries out, each once.

Way in: `manifest.py`; MAPPING.md says what is meant by what.
May not be here: sockets; another connector.
"""
