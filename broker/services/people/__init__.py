"""Access, members and signing in."""
