"""What hooks and workflows have in common on a machine: programs that are run at most once for each order."""
