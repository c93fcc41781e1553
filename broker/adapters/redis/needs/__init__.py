"""What failed and nobody has looked at, in Redis."""
