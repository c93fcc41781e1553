"""The socket between a machine's link process and its terminals: JSON lines, on this machine alone."""
