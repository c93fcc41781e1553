"""Installs Chromium from Debian's packages where that is allowed; `python -m tests.browser.install`."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys

from tests.browser.chromium import EXECUTABLE_VARIABLE, HOW_TO_INSTALL, NAMES, executable

_TIMEOUT_S = 600
_PACKAGES = NAMES[:2]
"""Of Debian, the better one first; not each of its releases has it."""


def main() -> None:
    """Have a browser, or say in one line how to get one; never fail, for the tests then skip or fail by themselves."""
    if _is_wanting() and _may_install():
        _install()
    if executable() is None:
        print(f"Note: {HOW_TO_INSTALL}", file=sys.stderr)


def _is_wanting() -> bool:
    return EXECUTABLE_VARIABLE not in os.environ and shutil.which(NAMES[0]) is None


def _may_install() -> bool:
    return os.geteuid() == 0 and shutil.which("apt-get") is not None


def _install() -> None:
    print("Installing Chromium for the dashboard's tests …")
    if _apt_get("update"):
        for package in _PACKAGES:
            if _apt_get("install", package) or executable():
                return


def _apt_get(*arguments: str) -> bool:
    done = subprocess.run(
        ("apt-get", "-y", "-qq", "--no-install-recommends", *arguments),
        env={**os.environ, "DEBIAN_FRONTEND": "noninteractive"},
        stdout=subprocess.DEVNULL,
        timeout=_TIMEOUT_S,
        check=False,
    )
    return done.returncode == 0


if __name__ == "__main__":
    main()
