"""Codex's app-server."""
