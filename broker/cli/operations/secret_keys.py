"""Where a process has the keys from that secrets are sealed with: never from its arguments, which others can read."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import click

_VARIABLE = "RELAYCAST_SECRET_KEY"


def secret_key_options(command: Any) -> Any:
    """Add the option that names a file."""
    return click.option(
        "--secret-key-file",
        envvar=f"{_VARIABLE}_FILE",
        type=click.Path(path_type=Path, dir_okay=False, exists=True),
        help=f"File with the keys that secrets are encrypted with, the one in use first; or set {_VARIABLE}."
        " `up` makes one in its data folder.",
    )(command)


def take_secret_keys(file: Path | None) -> tuple[str, ...]:
    """The keys of the environment, else of a file. The variable is taken away: programs we start need not have it."""
    from broker.adapters.sealing import split_keys  # noqa: PLC0415 - --help must not load the server

    given = os.environ.pop(_VARIABLE, "")
    return split_keys(given or (file.read_text() if file else ""))
