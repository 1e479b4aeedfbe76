"""CODA: the coded statements of bank account of Belgian banks (Febelfin, "Coded statement of account", version 2)."""
