"""The third version: as the second one, and it books what came back at another rate. PROCESS.md says what else."""
