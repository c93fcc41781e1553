"""What needs a person, of a whole workspace."""
