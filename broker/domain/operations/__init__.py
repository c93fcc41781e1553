"""What an operator knows of an installation."""
