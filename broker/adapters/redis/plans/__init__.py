"""What callers may still ask, in Redis."""
