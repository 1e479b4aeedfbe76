"""The second version: as the first one, and it shows what that one passed over. PROCESS.md says what that is."""
