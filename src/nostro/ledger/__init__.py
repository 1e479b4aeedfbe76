"""The transit ledger: double entry for money between systems, and its proof.

Way in: `accounts` names the accounts, `fold` makes balances of postings, `changes` what a new state adds to them,
`proof.prove` finds what nothing explains.
May not be here: input and output; floats; an amount without a counterpart.
"""

from nostro.ledger.postings import Balances, Posted, changes, fold, no_posting
from nostro.ledger.proof import Finding, Holding, Proof, prove

__all__ = ["Balances", "Finding", "Holding", "Posted", "Proof", "changes", "fold", "no_posting", "prove"]
