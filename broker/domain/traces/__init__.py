"""Traces: which spans follow from what a session's log tells."""
