"""The steps of a run: what each kind does elsewhere, how it is looked after, and what came of it."""
