"""Parsing, limiting and running operations."""
