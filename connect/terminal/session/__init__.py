"""What the terminal knows of the session, as far as its events tell."""
