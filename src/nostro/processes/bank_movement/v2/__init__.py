"""The second version: as the first one, and it counts no entry that its bank moved to another day. See PROCESS.md."""
