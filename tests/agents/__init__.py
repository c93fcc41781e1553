"""Tests that drive the vendors' real command-line agents against a model server on the loopback interface."""
