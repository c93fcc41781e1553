"""How each kind of agent process is started and spoken to."""
