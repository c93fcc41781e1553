"""What a service manager is told to keep this machine's link running: a systemd unit or a launchd property list."""

from __future__ import annotations

import os
import platform
import plistlib
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from broker.domain.errors import BadRequest
from broker.domain.people.token_text import hide_tokens
from connect.access.endpoint import TokenSource
from connect.settings import PROGRAM_VARIABLES, ConnectSettings, Options

NAME = "relay-connect"
LABEL = "dev.relaycast.relay-connect"
_CARRIED = (
    "PATH",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
    "RELAYCAST_CONFIG_DIR",
    "RELAYCAST_DATA_DIR",
    *PROGRAM_VARIABLES.values(),
)
"""Of the environment: where the agents' programs are found, and what no option says. Never a token."""
_STOP_S = 30
"""For agents to end in good order; the longest of their own graces is shorter."""
_NOT_AGAIN = (2, 3)
"""Exit statuses that trying again does not change: it cannot start, or the broker does not want this machine."""
_UNIT = """\
# `relay-connect service install` puts this into ~/.config/systemd/user/{name}.service and starts it.
# To run while nobody is logged in: loginctl enable-linger
[Unit]
Description=Relaycast link of this machine

[Service]
Type=exec
ExecStart={command}
WorkingDirectory={folder}
{environment}
Restart=on-failure
RestartSec=5
RestartPreventExitStatus={not_again}
KillMode=mixed
TimeoutStopSec={stop_s}

[Install]
WantedBy=default.target
"""


class Manager(StrEnum):
    """Who is to keep it running."""

    SYSTEMD = "systemd"
    LAUNCHD = "launchd"


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """A program as a service manager starts it; nothing in it is secret."""

    command: tuple[str, ...]
    folder: Path
    environment: Mapping[str, str]
    log: Path


def own_manager() -> Manager:
    """This platform's."""
    return Manager.LAUNCHD if platform.system() == "Darwin" else Manager.SYSTEMD


def service(
    settings: ConnectSettings, options: Options, *, environment: Mapping[str, str] | None = None, linked: bool
) -> Service:
    """The link as it would run here and now. `linked`: this machine goes on without a token.

    Raises `BadRequest` when a token would have to be written down, or none would be found.
    """
    env = os.environ if environment is None else environment
    return Service(
        command=(*_program(), "--headless", *_arguments(settings, options, linked=linked)),
        folder=settings.cwd,
        environment={name: env[name] for name in _CARRIED if env.get(name)},
        log=settings.state_dir / "service.log",
    )


def describe(service: Service, manager: Manager) -> str:
    """The file for a manager. Raises `BadRequest` for a control character, which no unit can hold, and for a token."""
    for text in (*service.command, str(service.folder), *service.environment.values()):
        if not text.isprintable():
            raise BadRequest(f"{text!r} has a character that a service's file cannot hold")
        if hide_tokens(text) != text:
            raise BadRequest(f"{hide_tokens(text)!r}: a token would lie in the service's file and in the process list")
    return _unit(service) if manager is Manager.SYSTEMD else _plist(service)


def _program() -> Sequence[str]:
    """This very installation's."""
    script = Path(sys.executable).with_name(NAME)
    return [str(script)] if os.access(script, os.X_OK) else [sys.executable, "-P", "-m", "connect.cli"]


def _arguments(settings: ConnectSettings, options: Options, *, linked: bool) -> list[str]:
    given: list[tuple[str, str | None]] = [
        ("--url", settings.endpoint.url),
        ("--token-file", _token_file(settings, linked=linked)),
        ("--name", settings.name),
        ("--session", settings.session),
        ("--state-dir", str(settings.state_dir)),
        ("--config", str(options.config.absolute()) if options.config is not None else None),
        ("--metrics-port", None if options.metrics_port is None else str(options.metrics_port)),
        *(("--label", label) for label in options.labels),
        *(("--agent", agent) for agent in options.agents),
    ]
    # One word each: what begins with a dash is a value all the same.
    words = [f"{option}={value}" for option, value in given if value is not None]
    flags = (("--insecure", settings.endpoint.in_clear), ("--log-steps", options.log_steps))
    return [*words, *(flag for flag, is_set in flags if is_set)]


def _token_file(settings: ConnectSettings, *, linked: bool) -> str | None:
    token = settings.token
    if token is not None and token.source is TokenSource.FILE and token.path is not None and str(token.path) != "-":
        return str(token.path.absolute())
    if linked or (token is not None and token.source is TokenSource.DATA_FOLDER):
        return None
    raise BadRequest(
        "a service would find no token, and none is written into its file: link this machine once (`relay-connect`, or"
        " `relay-connect --headless --token-file FILE`), or give --token-file",
        code="NOT_LINKED",
    )


def _unit(service: Service) -> str:
    return _UNIT.format(
        name=NAME,
        command=" ".join(_word(word).replace("$", "$$") for word in service.command),
        folder=str(service.folder).replace("%", "%%"),
        environment="\n".join(f"Environment={_word(f'{name}={value}')}" for name, value in service.environment.items()),
        not_again=" ".join(map(str, _NOT_AGAIN)),
        stop_s=_STOP_S,
    )


def _word(text: str) -> str:
    """As systemd.service(5) and systemd.syntax(7) quote: C-style escapes, and two per cent signs for one."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%")
    return f'"{escaped}"'


def _plist(service: Service) -> str:
    return plistlib.dumps(
        {
            "Label": LABEL,
            "ProgramArguments": list(service.command),
            "WorkingDirectory": str(service.folder),
            "EnvironmentVariables": dict(service.environment),
            "RunAtLoad": True,
            "KeepAlive": {"SuccessfulExit": False},
            "ExitTimeOut": _STOP_S,
            "StandardOutPath": str(service.log),
            "StandardErrorPath": str(service.log),
        }
    ).decode()
