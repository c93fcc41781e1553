"""The audit trail in Redis."""
