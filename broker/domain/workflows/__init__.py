"""Workflow files, the order of their steps, and the pure engine that decides what a run does next."""
