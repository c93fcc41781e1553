"""Runs of workflows, in Redis."""
