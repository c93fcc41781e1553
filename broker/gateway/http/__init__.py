"""The HTTP API under /v1, a module for each feature."""
