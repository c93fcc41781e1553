"""Relaycast's broker: the domain, the wire protocols, the services and the processes that run them."""

from importlib.metadata import PackageNotFoundError, version


def installed_version() -> str:
    """What is installed now: another version than `__version__`, once it was upgraded while this process ran."""
    try:
        return version("relaycast")
    except PackageNotFoundError:  # a source tree that was never installed
        return "0.0.0"


__version__ = installed_version()
