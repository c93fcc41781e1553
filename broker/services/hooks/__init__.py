"""Hooks: their definitions, and what sets them off."""
