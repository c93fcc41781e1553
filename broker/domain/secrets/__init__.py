"""Secrets of a workspace that the broker has to read back: how they are named and referred to."""
