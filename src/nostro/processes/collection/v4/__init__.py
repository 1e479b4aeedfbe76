"""The fourth version: as the third one, and the bundle's clocks need not reach what it dates. See PROCESS.md."""
