"""Plans, usage and limits."""
