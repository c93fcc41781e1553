"""Sessions and the agents in them."""
