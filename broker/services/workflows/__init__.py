"""Runs of workflows: what is done for them, and by whom."""
