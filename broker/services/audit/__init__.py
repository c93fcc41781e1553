"""Reading, sealing and checking the audit trail."""
