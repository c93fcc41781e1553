"""Answering what agents ask."""
