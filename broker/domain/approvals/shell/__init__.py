"""Shell command lines: what they say, and which programs they run."""
