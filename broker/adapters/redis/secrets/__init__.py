"""Sealed secrets in Redis."""
