"""The stateless ASGI process that proxies, agents, people and programs connect to."""
