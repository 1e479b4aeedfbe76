"""The third version: as the second one, and a calendar need not reach its day of arrival. See PROCESS.md."""
