"""Installs Chromium from Debian's packages where that is allowed; `python -m tests.browser.install`."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys

from tests.browser.chromium import HOW_TO_INSTALL, executable

_TIMEOUT_S = 600
_COMMANDS = (
    ("apt-get", "update", "-qq"),
    ("apt-get", "install", "-y", "-qq", "--no-install-recommends", "chromium"),
)


def main() -> None:
    """Have a browser, or say in one line how to get one; never fail, for the tests then skip or fail by themselves."""
    if executable() is None and _may_install():
        _install()
    if executable() is None:
        print(f"Note: {HOW_TO_INSTALL}", file=sys.stderr)


def _may_install() -> bool:
    return os.geteuid() == 0 and shutil.which("apt-get") is not None


def _install() -> None:
    print("Installing Chromium for the dashboard's tests …")
    for command in _COMMANDS:
        done = subprocess.run(
            command,
            env={**os.environ, "DEBIAN_FRONTEND": "noninteractive"},
            stdout=subprocess.DEVNULL,
            timeout=_TIMEOUT_S,
            check=False,
        )
        if done.returncode:
            return


if __name__ == "__main__":
    main()
