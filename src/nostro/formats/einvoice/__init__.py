"""Electronic invoices: UBL, CII (also inside PDF/A-3) and FatturaPA (also signed), read tolerantly, written strictly.

Way in: the readers in `formats.py`, the writers, and the official rules in `rules.py`.
May not be here: sockets; entities, network access or unbounded sizes in XML, PDF and signatures.
"""
