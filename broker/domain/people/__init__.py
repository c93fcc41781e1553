"""People, tokens and what each may do."""
