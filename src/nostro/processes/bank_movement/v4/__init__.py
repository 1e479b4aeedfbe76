"""The fourth version: as the third one, and it goes on when rules change between two facts. See PROCESS.md."""
