"""Links of machines and their mailboxes, in Redis."""
