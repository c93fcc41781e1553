"""What runs on a developer's machine: the proxy `relay-connect`, its terminal, and the Python SDK."""
