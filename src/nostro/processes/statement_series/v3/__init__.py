"""The third version: pages are told apart, and of two tellings the one made last counts. See PROCESS.md."""
