"""Hooks: when something happens to an agent, something is done. Pure: what matches, and what exactly would be done."""
