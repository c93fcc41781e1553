"""Installs from Debian's packages what reads the files in `deploy/`, and the clock that tests set.

`python -m tests.deploy.install`
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

from tests.deploy.programs import PACKAGES, missing
from tests.fixtures.faked_clock import PACKAGE, library

_TIMEOUT_S = 600
_NO_SERVICES = Path("/usr/sbin/policy-rc.d")
"""Asked by packages before they start their service; where there is none, they do."""


def main() -> None:
    """Have the programs, or say in one line how to get them; never fail, for the tests then do by themselves."""
    if _missing_packages() and os.geteuid() == 0 and shutil.which("apt-get"):
        _install(_missing_packages())
    if left := _missing_packages():
        print(f"Note: some tests need {', '.join(left)}", file=sys.stderr)


def _missing_packages() -> list[str]:
    clock = [] if library() else [PACKAGE]
    return sorted({*(PACKAGES[name] for name in missing()), *clock})


def _install(packages: list[str]) -> None:
    print(f"Installing {', '.join(packages)} for the tests …")
    made = not _NO_SERVICES.exists()
    if made:
        _NO_SERVICES.write_text("#!/bin/sh\nexit 101\n")
        _NO_SERVICES.chmod(0o755)
    try:
        for command in (("update",), ("install", "-y", "--no-install-recommends", *packages)):
            done = subprocess.run(
                ["apt-get", "-qq", *command],
                env={**os.environ, "DEBIAN_FRONTEND": "noninteractive"},
                stdout=subprocess.DEVNULL,
                timeout=_TIMEOUT_S,
                check=False,
            )
            if done.returncode:
                return
    finally:
        if made:
            _NO_SERVICES.unlink()


if __name__ == "__main__":
    main()
