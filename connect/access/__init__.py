"""Which broker this machine talks to, and with which tokens."""
