"""What agents ask of people, and the rules that answer."""
