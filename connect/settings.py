"""What this relay-connect is to do: options, then the environment, then `relay-connect.toml`, then defaults."""

from __future__ import annotations

import os
import platform
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import platformdirs
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from broker.domain.agents.agents import Dialect
from broker.domain.agents.vendors import BRIDGED
from broker.domain.errors import BadRequest
from connect.access.endpoint import TOKEN, Endpoint, GivenToken, find_token, resolve_url

PROGRAM_VARIABLES = {word: f"RELAYCAST_{word.upper()}_BIN" for word in BRIDGED}
"""Of the environment: where a vendor's program is, by its word."""

_PROXIES = frozenset({"http_proxy", "https_proxy", "all_proxy"})
DEFAULT_SPOOL_BYTES = 64 * 1024 * 1024


class AgentSettings(BaseModel):
    """One `[agents.<word>]` table: how to start a kind of agent that is not installed the usual way."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    command: tuple[str, ...] = ()
    """The program and its first arguments; empty: the vendor's own name on PATH."""
    dialect: Dialect | None = None
    """None: the vendor's own for the words `claude` and `codex`, ACP for every other."""
    env: dict[str, str] = Field(default_factory=dict)
    any_version: bool = False
    """Start it even when its version is older than the oldest these bridges were run with."""
    transport: Literal["auto", "stdio", "unix"] = "auto"
    """`stdio` keeps an old Claude Code from dialling the broker itself; `unix` is for Codex, which can listen."""


class ConfigFile(BaseModel):
    """The whole of `relay-connect.toml`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    url: str | None = None
    token_file: Path | None = None
    insecure: bool = False
    """Allow plain HTTP to another machine."""
    name: str | None = None
    labels: tuple[str, ...] = ()
    session: str | None = None
    state_dir: Path | None = None
    spool_bytes: int = Field(default=DEFAULT_SPOOL_BYTES, ge=1024 * 1024)
    metrics_port: int | None = Field(default=None, ge=0, le=65535)
    log_steps: bool = False
    agents: dict[str, AgentSettings] = Field(default_factory=dict)
    lead: str | None = None
    """`PROGRAM` or `NAME=PROGRAM`."""

    @field_validator("agents")
    @classmethod
    def _only_codex_listens(cls, agents: dict[str, AgentSettings]) -> dict[str, AgentSettings]:
        for word, agent in agents.items():
            codex = agent.dialect is Dialect.CODEX or (word == "codex" and agent.dialect is None)
            if agent.transport == "unix" and not codex:
                raise ValueError(f"{word}: only Codex can be driven over a unix socket")
        return agents


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What was said on the command line."""

    url: str | None = None
    token: str | None = field(default=None, repr=False)
    token_file: Path | None = None
    insecure: bool = False
    name: str | None = None
    labels: tuple[str, ...] = ()
    session: str | None = None
    state_dir: Path | None = None
    new_identity: bool = False
    config: Path | None = None
    agents: tuple[str, ...] = ()
    """Each `NAME=command line`."""
    metrics_port: int | None = None
    log_steps: bool = False
    lead: str | None = None
    """`PROGRAM` or `NAME=PROGRAM`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LeadSettings:
    """Whom plain lines are for, and the program it is started with."""

    name: str = "Lead"
    cli: str = ""
    """Empty: the best known of those that are installed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectSettings:
    """Everything decided."""

    endpoint: Endpoint
    """Without a token."""
    token: GivenToken | None
    """None: this machine was linked before, and goes on with what it kept of that."""
    state_dir: Path
    name: str
    labels: tuple[str, ...]
    session: str | None
    agents: Mapping[str, AgentSettings]
    spool_bytes: int
    cwd: Path
    """Where agents start that were not given a folder."""
    new_identity: bool = False
    """Forget who this machine was: its state folder is a copy of another's."""
    lead: LeadSettings = LeadSettings()
    policy_dir: Path | None = None
    """Where the machine's policy lies; None: in the state folder."""
    metrics_port: int | None = None
    """On loopback, for Prometheus; 0 lets the system choose, None: there is none."""
    log_steps: bool = False
    """Whether each step of each message has a line in the log."""


def resolve_settings(
    options: Options, *, environment: Mapping[str, str] | None = None, with_token: bool = True
) -> ConnectSettings:
    """Decide everything, or all but the token; raise `BadRequest` or `NotAuthenticated` with what to do."""
    env = os.environ if environment is None else environment
    config = read_config(options.config, environment=env)
    insecure = options.insecure or config.insecure or None
    url = resolve_url(options.url or env.get("RELAYCAST_URL") or config.url, environment=env, insecure=insecure)
    return ConnectSettings(
        endpoint=Endpoint(url=url),
        token=_token(url, options, config=config, environment=env) if with_token else None,
        state_dir=_state_dir(options, config, environment=env),
        lead=_lead(config.lead if options.lead is None else options.lead),
        name=options.name or env.get("RELAYCAST_NAME") or config.name or platform.node() or "machine",
        labels=(*config.labels, *options.labels),
        session=options.session or env.get("RELAYCAST_SESSION") or config.session,
        agents={**_from_environment(config.agents, environment=env), **dict(map(_agent_option, options.agents))},
        spool_bytes=config.spool_bytes,
        cwd=Path.cwd(),
        new_identity=options.new_identity,
        policy_dir=config_folder(env),
        metrics_port=config.metrics_port if options.metrics_port is None else options.metrics_port,
        log_steps=options.log_steps or config.log_steps,
    )


def _lead(given: str | None) -> LeadSettings:
    if given is None:
        return LeadSettings()
    name, named, cli = given.rpartition("=")
    if not cli or (named and not name):
        raise BadRequest(f"--lead is a program, or NAME=PROGRAM: not {given!r}")
    return LeadSettings(name=name or LeadSettings().name, cli=cli)


def resolve_token(url: str, options: Options, *, environment: Mapping[str, str] | None = None) -> GivenToken | None:
    """The token for the broker at `url`. Raises `BadRequest`, and `NotAuthenticated` for one that is malformed."""
    env = os.environ if environment is None else environment
    return _token(url, options, config=read_config(options.config, environment=env), environment=env)


def resolve_state_dir(options: Options, *, environment: Mapping[str, str] | None = None) -> Path:
    """Where this relay-connect remembers itself. Raises `BadRequest`."""
    env = os.environ if environment is None else environment
    return _state_dir(options, read_config(options.config, environment=env), environment=env)


def read_config(path: Path | None, *, environment: Mapping[str, str]) -> ConfigFile:
    """Read the configuration file; without a `path`, the user's own when there is one."""
    chosen = path or _default_config(environment)
    try:
        text = chosen.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        if path is not None:
            raise BadRequest(f"no configuration file at {path}") from None
        return ConfigFile()
    except (OSError, UnicodeDecodeError) as error:
        raise BadRequest(f"{chosen}: {error}") from None
    return _parse_config(text, chosen)


def _parse_config(text: str, chosen: Path) -> ConfigFile:
    import tomllib  # noqa: PLC0415 - most have no such file

    try:
        return ConfigFile.model_validate(tomllib.loads(text))
    except tomllib.TOMLDecodeError as error:
        raise BadRequest(f"{chosen}: {error}") from None
    except RecursionError:
        raise BadRequest(f"{chosen}: it is nested too deeply") from None
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        raise BadRequest(f"{chosen}: {where}: {first['msg']}") from None


def agent_environment(environment: Mapping[str, str], *, broker: Endpoint | None = None) -> dict[str, str]:
    """What agents inherit: everything the user has, for their logins live there, except what is the relay's own.

    `CLAUDECODE` marks a shell inside Claude Code, which refuses to start inside itself. A `broker` on this machine is
    reached without the company's HTTP proxy, by agents as by relay-connect: through it they would have no relay tools.
    """
    inherited = {
        name: value
        for name, value in environment.items()
        if not name.startswith("RELAYCAST_") and name not in {"CLAUDECODE", "CLAUDE_CODE_SESSION_ACCESS_TOKEN"}
    }
    if broker is not None and broker.local and _PROXIES & {name.lower() for name in inherited}:
        direct = inherited.get("no_proxy") or inherited.get("NO_PROXY") or ""
        hosts = [host for host in map(str.strip, direct.split(",")) if host]
        if "*" not in hosts and broker.hostname not in hosts:
            hosts.append(broker.hostname)
        # Programs differ in which of the two they read.
        inherited["no_proxy"] = inherited["NO_PROXY"] = ",".join(hosts)
    return inherited


def config_folder(environment: Mapping[str, str]) -> Path:
    """Where this user's settings and this machine's policy lie."""
    return Path(environment.get("RELAYCAST_CONFIG_DIR") or platformdirs.user_config_dir("relaycast")).absolute()


def _default_config(environment: Mapping[str, str]) -> Path:
    return config_folder(environment) / "relay-connect.toml"


def _state_dir(options: Options, config: ConfigFile, *, environment: Mapping[str, str]) -> Path:
    configured = options.state_dir or environment.get("RELAYCAST_STATE_DIR") or config.state_dir
    return Path(configured or Path(platformdirs.user_state_dir("relaycast")) / "connect").expanduser().absolute()


def _token(url: str, options: Options, *, config: ConfigFile, environment: Mapping[str, str]) -> GivenToken | None:
    """What was asked for wins over the environment, and that over the file the configuration names."""
    named = options.token or environment.get(TOKEN)
    file = options.token_file or (None if named else config.token_file)
    return find_token(url, environment=environment, argument=options.token, file=file)


def _from_environment(
    agents: Mapping[str, AgentSettings], *, environment: Mapping[str, str]
) -> dict[str, AgentSettings]:
    found = dict(agents)
    for word, variable in PROGRAM_VARIABLES.items():
        if program := environment.get(variable):
            known = found.get(word, AgentSettings())
            found[word] = known.model_copy(update={"command": (program, *known.command[1:])})
    return found


def _agent_option(text: str) -> tuple[str, AgentSettings]:
    word, separator, command = text.partition("=")
    try:
        argv: Sequence[str] = shlex.split(command)
    except ValueError as error:
        raise BadRequest(f"--agent {text!r}: {error}") from None
    if not (word and separator and argv):
        raise BadRequest(f"--agent {text!r} should look like --agent 'opencode=opencode acp'")
    return word, AgentSettings(command=tuple(argv))
