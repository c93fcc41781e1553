"""Hooks and their runs, in Redis."""
