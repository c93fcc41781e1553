"""Messages and their receipts, in Redis."""
