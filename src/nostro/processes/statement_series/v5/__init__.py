"""The fifth version: as the fourth one, and what is missing is told in time. See PROCESS.md."""
