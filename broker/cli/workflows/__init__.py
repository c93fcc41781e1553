"""`relaycast workflow`."""
