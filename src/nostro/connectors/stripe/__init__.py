"""Stripe: signed events, the polls behind them, vendor exponents.

Way in: `manifest.py`; MAPPING.md says what is meant by what.
May not be here: sockets; another connector.
"""
