"""Links of machines."""
