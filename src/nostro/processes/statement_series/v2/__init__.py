"""The second version: as the first one, and it sees what a restated statement no longer lists. See PROCESS.md."""
