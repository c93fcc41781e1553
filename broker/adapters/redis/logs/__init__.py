"""Session logs and what is kept of them, in Redis."""
