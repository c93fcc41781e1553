"""The log of a session, recent and long."""
