"""OFX: statements of banks and credit cards, as SGML (version 1) and XML (version 2)."""
