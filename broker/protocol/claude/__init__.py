"""Claude Code's stream-json."""
