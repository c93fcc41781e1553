"""What a run does next, by its journal."""
