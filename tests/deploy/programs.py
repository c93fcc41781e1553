"""The programs that read what is in `deploy/`, as Debian has them."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
PACKAGES = {
    "promtool": "prometheus",
    "haproxy": "haproxy",
    "nginx": "nginx-light",
    "caddy": "caddy",
    "systemd-analyze": "systemd",
}
"""Debian's package of each."""
_PATH = os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin", "/usr/local/sbin"])


def missing() -> list[str]:
    """The programs that are not here."""
    return [name for name in PACKAGES if shutil.which(name, path=_PATH) is None]


def program(name: str) -> str:
    """Where one is. Raises `FileNotFoundError` that says how to install it."""
    found = shutil.which(name, path=_PATH)
    if found is None:
        raise FileNotFoundError(
            f"the tests of deploy/ need {name}: python -m tests.deploy.install (Debian: apt-get install"
            f" {PACKAGES[name]})"
        )
    return found


def run(name: str, *arguments: str | Path, **variables: str) -> tuple[int, str]:
    """The exit status of one, and what it said."""
    done = subprocess.run(
        [program(name), *arguments],
        env={**os.environ, **variables},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=60,
        check=False,
    )
    return done.returncode, done.stdout
