"""A bank with a ledger on business time that tells its movements in camt.052, camt.054 and camt.053 files.

Way in: `Bank` (acts of the world, ticks, file steps).
May not be here: sockets, the file system, the machine's clock, and anything that the house uses to read camt.
"""

from nostro.sandbox.bank.ledger import AccountSettings
from nostro.sandbox.bank.system import Bank, BankSettings, StatementFault

__all__ = ["AccountSettings", "Bank", "BankSettings", "StatementFault"]
