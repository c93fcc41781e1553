"""How a broker and the programs of the same user on the same machine find each other: names in the data folder."""

DEFAULT_PORT = 8787
KEY_FILE = "workspace.key"
"""The workspace's token, readable by its owner alone."""
ADMINISTRATOR_KEY_FILE = "admin.key"
"""Of the installation: for `relaycast workspace` and `relaycast admin`; readable by its owner alone."""
SECRET_KEY_FILE = "secret.key"  # noqa: S105 - a file's name
"""What `up` seals secrets with, a key a line, the one in use first; readable by its owner alone."""
CHECKPOINT_FILE = "audit-checkpoints.ndjson"
"""Checkpoints of the workspaces' audit trails."""
UP_FILE = "up.json"
"""Written by a running `relaycast up`: `{"url": …}`."""
