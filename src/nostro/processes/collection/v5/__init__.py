"""The fifth version: money that is on its way back is used for nothing else. See PROCESS.md."""
