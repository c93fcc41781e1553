"""Puts a service's file where this user's service manager reads it, and has it started, shown and removed."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from broker.domain.errors import Unavailable
from connect.service import LABEL, NAME, Manager
from connect.system.state_folder import write_private

_TIMEOUT_S = 60.0
"""For agents of a running link to end in good order, which the manager gives half of this."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Installed:
    """One service of this user's manager."""

    manager: Manager
    path: Path

    @classmethod
    def here(cls, manager: Manager, environment: Mapping[str, str]) -> Installed:
        """Where the manager looks."""
        home = Path(environment.get("HOME") or Path.home())
        if manager is Manager.LAUNCHD:
            return cls(manager=manager, path=home / "Library" / "LaunchAgents" / f"{LABEL}.plist")
        config = Path(environment.get("XDG_CONFIG_HOME") or home / ".config")
        return cls(manager=manager, path=config / "systemd" / "user" / f"{NAME}.service")

    def install(self, text: str) -> None:
        """Write the file and start the service; one that runs is started anew. Raises `OSError`, `Unavailable`."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        write_private(self.path, text.encode())
        match self.manager:
            case Manager.SYSTEMD:
                _run("systemctl", "--user", "daemon-reload")
                _run("systemctl", "--user", "enable", NAME)
                _run("systemctl", "--user", "restart", NAME)
            case Manager.LAUNCHD:
                _run("launchctl", "bootout", f"{_domain()}/{LABEL}", may_fail=True)
                _run("launchctl", "bootstrap", _domain(), str(self.path))

    def uninstall(self) -> bool:
        """Stop the service and remove its file; False where there is none. Raises `OSError`, `Unavailable`."""
        if not self.path.exists():
            return False
        match self.manager:
            case Manager.SYSTEMD:
                _run("systemctl", "--user", "disable", "--now", NAME)
                self.path.unlink()
                _run("systemctl", "--user", "daemon-reload")
            case Manager.LAUNCHD:
                _run("launchctl", "bootout", f"{_domain()}/{LABEL}", may_fail=True)
                self.path.unlink()
        return True

    def state(self) -> str:
        """How the manager calls its state, in a word: `active`, `failed`, `not installed`. Raises `Unavailable`."""
        if not self.path.exists():
            return "not installed"
        match self.manager:
            case Manager.SYSTEMD:
                return _run("systemctl", "--user", "is-active", NAME, may_fail=True).strip() or "unknown"
            case Manager.LAUNCHD:
                said = _run("launchctl", "print", f"{_domain()}/{LABEL}", may_fail=True)
                states = [line.partition("=")[2].strip() for line in said.splitlines() if "state = " in line]
                return states[0] if states else "not running"


def _domain() -> str:
    return f"gui/{os.getuid()}"


def _run(*command: str, may_fail: bool = False) -> str:
    words: Sequence[str] = command
    try:
        done = subprocess.run(words, capture_output=True, text=True, timeout=_TIMEOUT_S, check=False)  # noqa: S603 - ours
    except FileNotFoundError:
        raise Unavailable(
            f"there is no {command[0]} here: `relay-connect service` prints the file for your service manager",
            code="NO_SERVICE_MANAGER",
        ) from None
    except subprocess.TimeoutExpired:
        raise Unavailable(f"`{' '.join(command)}` did not end within {_TIMEOUT_S:.0f} s", code="NO_ANSWER") from None
    if done.returncode and not may_fail:
        said = (done.stderr or done.stdout).strip().partition("\n")[0]
        raise Unavailable(f"`{' '.join(command)}`: {said or f'status {done.returncode}'}", code="SERVICE_MANAGER")
    return done.stdout
