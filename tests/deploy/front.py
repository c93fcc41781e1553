"""The proxies of `deploy/proxies`, really running on loopback before two gateways."""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.deploy.programs import DEPLOY, program

_PROXIES = DEPLOY / "proxies"
_START_S = 30


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where the proxy listens, what is behind it, and the path that is the broker's, as `/relay`, or nothing."""

    port: int
    gateways: tuple[int, int]
    path: str
    folder: Path


def haproxy(place: Place) -> tuple[Sequence[str], dict[str, str]]:
    """The command and its environment."""
    text = (_PROXIES / "haproxy.cfg").read_text()
    if place.path:
        text = _replaced(text, "default_backend gateways", f"use_backend gateways if {{ path_beg {place.path}/ }}")
    config = _written(place, "haproxy.cfg", text)
    first, second = place.gateways
    variables = {
        "RELAYCAST_BIND": f"127.0.0.1:{place.port}",
        "RELAYCAST_GATEWAY_1": f"127.0.0.1:{first}",
        "RELAYCAST_GATEWAY_2": f"127.0.0.1:{second}",
    }
    return [program("haproxy"), "-db", "-f", str(config)], variables


def nginx(place: Place) -> tuple[Sequence[str], dict[str, str]]:
    """The command and its environment; the file is one for `conf.d`, so there is an `http` around it."""
    text = (_PROXIES / "nginx.conf").read_text()
    text = _replaced(text, "listen 80;", f"listen 127.0.0.1:{place.port};")
    text = _replaced(text, "server_name relay.example;", "server_name 127.0.0.1;")
    for named, port in zip((8787, 8789), place.gateways, strict=True):
        text = _replaced(text, f"server 127.0.0.1:{named} ", f"server 127.0.0.1:{port} ")
    if place.path:
        text = _replaced(text, "location / {", f"location {place.path}/ {{")
    folders = "\n".join(
        f"{each}_temp_path {place.folder};" for each in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    config = _written(
        place,
        "nginx.conf",
        f"daemon off;\npid {place.folder}/pid;\nerror_log stderr warn;\nworker_processes 1;\n"
        f"{'user root;' if os.geteuid() == 0 else ''}\nevents {{}}\nhttp {{\naccess_log off;\n{folders}\n{text}\n}}\n",
    )
    return [program("nginx"), "-p", str(place.folder), "-e", "stderr", "-c", str(config)], {}


def caddy(place: Place) -> tuple[Sequence[str], dict[str, str]]:
    """The command and its environment."""
    text = (_PROXIES / "Caddyfile").read_text()
    if place.path:
        opening, block = re.split(r"(?<=\} \{)\n", text, maxsplit=1)
        body = block.rstrip().removesuffix("}")
        text = f"{opening}\nhandle {place.path}/* {{\n{body}\n}}\n}}\n"
    config = _written(place, "Caddyfile", f"{{\n\tadmin off\n}}\n{text}")
    first, second = place.gateways
    variables = {
        "RELAYCAST_SITE": f"http://127.0.0.1:{place.port}",
        "RELAYCAST_GATEWAYS": f"127.0.0.1:{first} 127.0.0.1:{second}",
        "HOME": str(place.folder),
        "XDG_DATA_HOME": str(place.folder),
        "XDG_CONFIG_HOME": str(place.folder),
    }
    return [program("caddy"), "run", "--adapter", "caddyfile", "--config", str(config)], variables


PROXIES = {"haproxy": haproxy, "nginx": nginx, "caddy": caddy}


@contextlib.asynccontextmanager
async def proxy(name: str, place: Place) -> AsyncIterator[Path]:
    """One of them, running; what it says is in the file."""
    command, variables = PROXIES[name](place)
    log = place.folder / f"{name}.log"
    with log.open("wb") as output:
        process = await asyncio.create_subprocess_exec(
            *command, cwd=place.folder, env={**os.environ, **variables}, stdout=output, stderr=output
        )
    try:
        async with asyncio.timeout(_START_S):
            await _listening(place.port, process, log)
        yield log
    finally:
        if process.returncode is None:
            process.terminate()
        try:
            async with asyncio.timeout(_START_S):
                await process.wait()
        except TimeoutError:
            process.kill()
            await process.wait()


async def _listening(port: int, process: asyncio.subprocess.Process, log: Path) -> None:
    while True:
        assert process.returncode is None, log.read_text()
        with contextlib.suppress(OSError):
            _, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.close()
            return
        await asyncio.sleep(0.05)


def _replaced(text: str, old: str, new: str) -> str:
    assert text.count(old) == 1, old
    return text.replace(old, new)


def _written(place: Place, name: str, text: str) -> Path:
    path = place.folder / name
    path.write_text(text)
    return path
