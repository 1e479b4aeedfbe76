"""The sixth version: refunds and credit notes end alike in whatever order they are told. See PROCESS.md."""
