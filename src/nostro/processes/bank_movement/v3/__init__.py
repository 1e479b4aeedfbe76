"""The third version: as the second one, and what a restated statement tells of is counted once. See PROCESS.md."""
