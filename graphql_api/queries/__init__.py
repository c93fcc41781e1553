"""The queries of the schema."""
