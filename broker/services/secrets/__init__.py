"""Secrets of a workspace that the broker reads back, and nobody else."""
