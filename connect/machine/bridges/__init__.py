"""How each kind of agent is started so that it can be driven: arguments, environment, files, codec."""
