"""Usage and allowances."""
