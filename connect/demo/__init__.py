"""The demo: a scripted ACP agent that uses the relay's tools, the game it plays, and the session that shows it."""
