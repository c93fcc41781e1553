"""Faults under constant traffic, and a checker that says whether anything was lost: `python -m tests.faults`."""
