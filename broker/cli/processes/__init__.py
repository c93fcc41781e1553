"""The commands that are the broker's processes."""
