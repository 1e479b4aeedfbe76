"""The fifth version: money on its way back is used for nothing else; a case tells all its grounds. See PROCESS.md."""
