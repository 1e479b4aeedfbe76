"""Nostro: self-hosted finance integration middleware centred on Odoo."""
