"""The commands about people, their tokens and their workspaces."""
