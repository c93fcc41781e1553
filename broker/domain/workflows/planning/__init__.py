"""What is wrong with a file, and what a run of it would do."""
