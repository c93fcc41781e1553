"""The events of a log, and what is read from them."""
