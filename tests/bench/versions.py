"""A version of the product that can be started: this one, or the one in a wheel, with this environment's packages."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import zipfile
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import orjson

from tests.bench.stage import Started, allow_many_agents, running

_ROOT = Path(__file__).parents[2]
AGENT = Path(__file__).with_name("agent.py")
SESSION = "main"
_PACKAGES = ("broker", "connect", "graphql_api")


@dataclass(frozen=True, slots=True, kw_only=True)
class Version:
    """Where its packages lie, and a folder in which its broker keeps everything from round to round."""

    name: str
    packages: Path
    folder: Path

    @property
    def environment(self) -> dict[str, str]:
        """Puts its packages before those that are installed."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith("RELAYCAST_")}
        return {**kept, "PYTHONPATH": str(self.packages), "HOME": str(self.folder)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Broker:
    """A running `relaycast up` of a version."""

    version: Version
    url: str
    key: str
    pid: int

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.key}"}

    @property
    def port(self) -> int:
        return int(self.url.rpartition(":")[2])


def this_version(folder: Path) -> Version:
    """What stands in this checkout."""
    return _compiled(Version(name="this version", packages=_ROOT, folder=_made(folder)))


def version_in(wheel: Path, folder: Path) -> Version:
    """What is in a wheel, unpacked: it is named as the wheel is. Raises `SystemExit` when there is none."""
    if not wheel.is_file():
        raise SystemExit(f"no wheel at {wheel}")
    name, number, _ = wheel.name.split("-", 2)
    packages = _made(folder) / "packages"
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(packages)
    return _compiled(Version(name=f"{name} {number}", packages=packages, folder=folder))


def _compiled(version: Version) -> Version:
    """With the bytecode that an installer makes: without it a start is measured by how much there is to compile."""
    ours = [folder for name in _PACKAGES if (folder := version.packages / name).is_dir()]
    subprocess.run([sys.executable, "-m", "compileall", "-q", *map(str, ours)], check=True)
    return version


def _made(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    return folder


@contextlib.asynccontextmanager
async def broker_of(version: Version) -> AsyncIterator[Broker]:
    """The whole broker on the version's folder."""
    arguments = ["up", "--data-dir", str(version.folder / "broker"), "--port", "0", "--json"]
    command = [sys.executable, "-m", "broker.cli", *arguments]
    async with running(command, folder=version.folder, environment=version.environment) as started:
        ready = orjson.loads(started.first_line)
        key = Path(ready["token_file"]).read_text().strip()
        yield Broker(version=version, url=ready["url"], key=key, pid=started.pid)


@contextlib.asynccontextmanager
async def machine_of(broker: Broker, name: str) -> AsyncIterator[Started]:
    """A headless relay-connect of the same version that knows the agent `bench`."""
    agent = f"bench={sys.executable} -I -S {AGENT}"
    arguments = ["--state-dir", f"state-{name}", "--name", name, "--agent", agent, "--headless", "--json"]
    command = [sys.executable, "-m", "connect.cli", *arguments]
    config = broker.version.folder / f"config-{name}"
    allow_many_agents(config)
    environment = {
        **broker.version.environment,
        "RELAYCAST_URL": broker.url,
        "RELAYCAST_TOKEN": broker.key,
        "RELAYCAST_CONFIG_DIR": str(config),
    }
    async with running(command, folder=broker.version.folder, environment=environment) as started:
        yield started
