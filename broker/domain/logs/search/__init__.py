"""The language of log searches."""
