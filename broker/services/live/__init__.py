"""Live readers of sessions inside one process."""
