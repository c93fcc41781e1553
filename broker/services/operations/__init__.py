"""What an operator asks."""
