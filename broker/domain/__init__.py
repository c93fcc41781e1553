"""The product's ideas and rules: no I/O, no clock, no randomness."""
