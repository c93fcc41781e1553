"""What needs a person: told, followed and dismissed."""
