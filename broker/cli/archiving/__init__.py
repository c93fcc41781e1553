"""Archives of a workspace: their files, and carrying them out of and into a broker."""
