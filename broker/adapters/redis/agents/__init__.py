"""Sessions, their agents and what is stopped, in Redis."""
