"""What an operator asks of the store."""
