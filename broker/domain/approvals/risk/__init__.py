"""How risky a request is, with reasons."""
