"""Members, tokens and signing in, in Redis."""
