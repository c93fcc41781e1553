"""The ports' implementations, each named after its technology."""
