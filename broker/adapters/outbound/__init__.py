"""The one way in which the broker calls out to other services."""
