"""Events, answers and lists as lines."""
