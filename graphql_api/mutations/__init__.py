"""The mutations of the schema."""
