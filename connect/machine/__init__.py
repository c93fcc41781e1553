"""The link to the broker and the agents that it runs."""
