"""Views of the dashboard in Redis."""
