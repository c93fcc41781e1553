"""Text for a terminal: harmless, wrapped, and in words for people."""
