"""The fifth version: as the fourth one, and all of its money is told to somebody once, or is a case. See PROCESS.md."""
