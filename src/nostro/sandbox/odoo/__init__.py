"""An Odoo 18 or 19 with books of its own: the models, wire shapes and unkind behaviours that a finance connector meets.

Way in: `OdooBooks` (requests over `/jsonrpc` and `/json/2`, acts of people, webhooks as hints).
May not be here: sockets, files, the machine's clock, and anything that the house uses to speak to Odoo.
"""

from nostro.sandbox.odoo.settings import BankJournal, CompanySetup, OdooSettings, OdooUser, PspJournal
from nostro.sandbox.odoo.system import OdooBooks

__all__ = ["BankJournal", "CompanySetup", "OdooBooks", "OdooSettings", "OdooUser", "PspJournal"]
