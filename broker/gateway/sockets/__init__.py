"""WebSockets of machines, agents and readers of events."""
