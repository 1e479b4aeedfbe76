"""The fourth version: the lines of a payout that failed are awaited and booked too. See PROCESS.md."""
