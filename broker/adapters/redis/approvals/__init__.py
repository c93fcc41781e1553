"""Requests for permission and questions, in Redis."""
