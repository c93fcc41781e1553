"""The commands about plans, money and usage."""
