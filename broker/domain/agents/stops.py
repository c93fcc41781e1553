"""Stop all: nothing is started and no turn begins in a session, on a machine or in the workspace until it is resumed.

A stop is a flag over its scope, beside the states of agents. While it stands

* a spawn and a resume of an ended agent are refused with the code `STOPPED`;
* messages are accepted and wait, and their receipts say `because: stopped`; their lifetimes go on counting, so one that
  was sent to live for an hour is undeliverable after an hour, stopped or not;
* a turn that runs is interrupted, as by a person: its message ends as answered, with the outcome `interrupted`. What
  its agent asks permission for is withdrawn, as the turn that asks is over;
* a turn that an agent begins by itself is interrupted as soon as the broker hears of it. An agent that does not obey
  within 20 seconds is taken for deaf and given a new process.

Paused agents keep their processes and conversations; released ones end, and the scope stays stopped until it is
resumed. Stops of different scopes do not know each other: an agent goes on when none is over it any more. What an
agent's own process does outside a turn, and commands that it left running, is not in the broker's hands.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from broker.domain.errors import BadRequest
from broker.domain.ids import MemberId, ProxyId, SessionId

MAX_NOTE = 500


class StopScope(StrEnum):
    """How far a stop reaches."""

    SESSION = "session"
    MACHINE = "machine"
    WORKSPACE = "workspace"


class StopHow(StrEnum):
    """What becomes of the agents."""

    PAUSE = "pause"
    """Their processes stay and their messages wait."""
    RELEASE = "release"
    """They end."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """What is stopped: a session, a machine, or the workspace, which has no id here."""

    scope: StopScope
    id: SessionId | ProxyId | None = None

    def __str__(self) -> str:
        """As stores write it: `workspace`, `session:<id>`, `machine:<id>`."""
        return f"{self.scope}:{self.id}" if self.id else self.scope


WORKSPACE = Place(scope=StopScope.WORKSPACE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Stop:
    """Who has stopped a place, why, and how far that is."""

    id: str
    place: Place
    name: str
    """The session's or the machine's when it was stopped; empty for the workspace."""
    how: StopHow
    by: str
    member: MemberId | None
    note: str
    at_ms: int
    agents: int
    """That were paused or released so far."""
    interrupted: int
    """Of those that were paused: how many were in a turn."""
    finished: bool
    """Whether every agent was met; nothing begins from the first moment on."""


def stop_note(text: str) -> str:
    """Return a note on one line; raise `BadRequest` when it is too long."""
    line = " ".join(text.split())
    if len(line) > MAX_NOTE:
        raise BadRequest(f"note: {MAX_NOTE} characters at most")
    return line


def stop_over(stops: Iterable[Stop], *, session: SessionId, machine: ProxyId | None = None) -> Stop | None:
    """The widest stop over a session, or over an agent of it on that machine; None when nothing is in its way."""
    places = {stop.place: stop for stop in stops}
    wanted = [WORKSPACE, Place(scope=StopScope.SESSION, id=session)]
    if machine is not None:
        wanted.insert(1, Place(scope=StopScope.MACHINE, id=machine))
    return next((places[place] for place in wanted if place in places), None)
