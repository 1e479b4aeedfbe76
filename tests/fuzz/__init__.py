"""Real files, damaged: whatever comes in, a reader says what it read, what it could not, or that it is no such file."""
