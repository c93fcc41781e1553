"""Where a project keeps hooks that it proposes to whoever works in it."""

from pathlib import PurePosixPath

PROJECT_FILE = PurePosixPath(".relaycast/hooks.yaml")
"""Offered by relay-connect and read by `relaycast hooks apply`, from the project's folder; it holds once applied."""
