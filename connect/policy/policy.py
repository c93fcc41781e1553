"""What a machine's people let agents do on it. Pure; every default is safe."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, field_validator

_MOST_AGENTS = 50
_MOST_BY_AGENTS = 10
_LONGEST_LIST = 1000
ROOT = Path("/")


class Askers(StrEnum):
    """Who may spawn here; each includes those before it."""

    OWNER = "owner"
    """Who linked the machine; of a workspace's machine its admins."""
    SESSION = "session"
    """Whoever acts in the session that the agent joins."""
    WORKSPACE = "workspace"
    """Everybody in the workspace, and a broker that does not say who asks."""


class AgentAskers(StrEnum):
    """Which agents may spawn here."""

    NEVER = "never"
    HERE = "here"
    """Those that run on this machine."""
    ANYWHERE = "anywhere"


class AlwaysAsked(StrEnum):
    """What is asked at the machine's own terminal, each time."""

    SPAWN = "spawn"
    SHELL = "shell"
    """Every approval that the broker answers with `allow`, but for changes of files and the relay's own tools."""
    FOLDER = "folder"
    """A folder that is not allowed yet; when this is not asked, it is refused."""


class Widening(StrEnum):
    """What becomes of a yes that lets an agent do more than this: for good, or something else than it asked for."""

    ASK = "ask"
    """At the terminal; without one it is a no."""
    DROP = "drop"
    """It is a no."""
    ALLOW = "allow"


class Policy(BaseModel):
    """The whole of `policy.toml`; what it does not name has its default."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    folders: tuple[Path, ...] = Field(default=(), max_length=_LONGEST_LIST)
    """Agents work in these and below, and nowhere else. Without symbolic links."""
    remembered: tuple[Path, ...] = ()
    """More of these: where a person has opened a terminal of this link, or has said yes. Not in `policy.toml`, which
    other links of the user go by, too."""
    start_folder: bool = True
    """Whether the folder in which relay-connect was started is one of them, unless it is `/`."""
    programs: tuple[str, ...] | None = Field(default=None, max_length=_LONGEST_LIST)
    """Words of the catalogue; None: every program that was found here or is configured."""
    who_may_spawn: Askers = Askers.SESSION
    agents_may_spawn: AgentAskers = AgentAskers.HERE
    agents_below_own_folder: bool = True
    """Whether what an agent spawns has to work in that agent's own folder or below."""
    most_agents: int = Field(default=_MOST_AGENTS, ge=0, le=100_000)
    """At once."""
    most_agents_by_agents: int = Field(default=_MOST_BY_AGENTS, ge=0, le=100_000)
    """Of those, how many may have been spawned by agents."""
    ask: frozenset[AlwaysAsked] = frozenset({AlwaysAsked.FOLDER})
    widening: Widening = Widening.ASK
    strict: bool = False
    """Everything that can be asked here is asked here."""

    @field_validator("folders")
    @classmethod
    def _absolute(cls, folders: tuple[Path, ...]) -> tuple[Path, ...]:
        for folder in folders:
            if not folder.is_absolute() or ".." in folder.parts:
                raise ValueError(f"{folder} has to be written from / on, without ..")
        return folders

    def asks(self, what: AlwaysAsked) -> bool:
        """Whether something is asked at the terminal each time."""
        return self.strict or what in self.ask

    @property
    def on_widening(self) -> Widening:
        """What becomes of an answer that widens; strict machines never let one pass unasked."""
        return Widening.ASK if self.strict and self.widening is Widening.ALLOW else self.widening

    def keeps(self, folder: Path) -> bool:
        """Whether a folder is allowed wherever relay-connect is started."""
        return any(map(folder.is_relative_to, (*self.folders, *self.remembered)))

    def folders_from(self, started_in: Path | None) -> tuple[Path, ...]:
        """All folders that agents may work in, given where relay-connect was started."""
        implied = (started_in,) if started_in is not None and self.start_folder and started_in != ROOT else ()
        return tuple(dict.fromkeys((*self.folders, *self.remembered, *implied)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """One value of a policy, in words, with where it comes from."""

    name: str
    value: str
    source: str


def describe(policy: Policy, *, started_in: Path | None, file: Path) -> list[Setting]:
    """Every value with its source."""
    names = [name for name in Policy.model_fields if name != "remembered"]
    return [_setting(policy, name, started_in=started_in, file=file) for name in names]


def _setting(policy: Policy, name: str, *, started_in: Path | None, file: Path) -> Setting:
    source = str(file) if name in policy.model_fields_set else "default"
    if name == "folders":
        told = [_describe(policy, folder) for folder in policy.folders_from(started_in)]
        return Setting(name=name, value=_list(told), source=source)
    value = getattr(policy, name)
    if policy.strict and name in {"ask", "widening"}:
        words = _list(AlwaysAsked) if name == "ask" else policy.on_widening.value
        return Setting(name=name, value=words, source="strict")
    return Setting(name=name, value=_words(value), source=source)


def _describe(policy: Policy, folder: Path) -> str:
    if folder in policy.folders:
        return str(folder)
    return f"{folder} ({'allowed at a terminal' if folder in policy.remembered else 'where relay-connect was started'})"


def _words(value: object) -> str:
    match value:
        case None:
            return "all that are found here"
        case bool():
            return "yes" if value else "no"
        case tuple() | frozenset():
            return _list(map(str, value))
        case _:
            return str(value)


def _list(words: Iterable[str]) -> str:
    return ", ".join(sorted(words)) or "none"
