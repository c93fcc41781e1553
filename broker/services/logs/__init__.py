"""Reading, searching, shipping and keeping logs."""
