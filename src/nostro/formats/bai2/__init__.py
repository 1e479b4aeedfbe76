"""BAI2: balances and movements of US and other banks (BAI, "Cash Management Balance Reporting", version 2)."""
