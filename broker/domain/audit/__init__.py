"""The audit trail: what is recorded, how records are chained, and how a trail is verified."""
