"""What `deploy/` holds is checked by the programs that read it."""
