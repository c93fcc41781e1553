"""Machines: whose they are, what they allow, how long they are leased."""
