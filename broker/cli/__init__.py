"""The command `relaycast`. The only code of the broker that may import `connect`."""

from broker.cli.main import main

__all__ = ["main"]
