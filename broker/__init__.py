"""Relaycast's broker: the domain, the wire protocols, the services and the processes that run them."""

from importlib.metadata import PackageNotFoundError, version

try:
    __version__ = version("relaycast")
except PackageNotFoundError:  # a source tree that was never installed
    __version__ = "0.0.0"
