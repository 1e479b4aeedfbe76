"""Statements as tables: CSV and XLSX through declared profiles, a proposal for an unknown file, and CSV written."""
