"""What the link process and its terminals say to each other: one JSON object a line. No token is ever among them.

    terminal → link   attach | status | stop | policy_confirmed | hooks_confirmed | workflows_confirmed
    link → terminal   attached, then told*, questions* … and ended | state | stopping | taken | refused
    terminal → link   answer*, leave
    link → terminal   left

Members and messages that one side does not know are passed over: the two may be of different versions.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from broker.protocol.errors import ProtocolViolation
from connect.notices import Notice

MAX_LINE_BYTES = 1024 * 1024
"""A question with everything it is about."""


_M = TypeVar("_M")


class _Message(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore", defer_build=True)


class Parting(StrEnum):
    """What is to become of the link when its last terminal leaves."""

    STOP = "stop"
    KEEP = "keep"
    AS_IT_WAS = "as it was"
    """Stop, unless it was started without a terminal, or kept before."""


class Attach(_Message):
    """A terminal comes."""

    type: Literal["attach"] = "attach"
    person: bool
    """Whether questions can be asked there."""
    gone: Parting = Parting.KEEP
    """What is to happen should it go without a word."""
    folder: str
    version: str


class Leave(_Message):
    """A terminal goes."""

    type: Literal["leave"] = "leave"
    parting: Parting


class Stop(_Message):
    """End the agents in good order, or at once, and then the link."""

    type: Literal["stop"] = "stop"
    now: bool = False


class StatusWanted(_Message):
    """Asks for `state`."""

    type: Literal["status"] = "status"


class Answer(_Message):
    """A person's answer to a question of this machine."""

    type: Literal["answer"] = "answer"
    number: int
    yes: bool


class PolicyConfirmed(_Message):
    """A person is about to put this machine's policy in place, or has looked at it there."""

    type: Literal["policy_confirmed"] = "policy_confirmed"
    hash: str


class HooksConfirmed(_Message):
    """A person is about to put in place what hooks may run on this machine, or has looked at it there."""

    type: Literal["hooks_confirmed"] = "hooks_confirmed"
    hash: str


class WorkflowsConfirmed(_Message):
    """The same, of what workflows may run."""

    type: Literal["workflows_confirmed"] = "workflows_confirmed"
    hash: str


Confirmed = PolicyConfirmed | HooksConfirmed | WorkflowsConfirmed
ToLink = Annotated[Attach | Leave | Stop | StatusWanted | Answer | Confirmed, Field(discriminator="type")]


class AgentHere(_Message):
    """An agent of this link."""

    name: str
    cli: str
    pid: int | None = None


class TerminalHere(_Message):
    """A terminal of this link."""

    pid: int
    folder: str


class State(_Message):
    """How the link is."""

    type: Literal["state"] = "state"
    pid: int
    version: str
    url: str
    name: str
    """The machine's."""
    machine: str | None = None
    """Its id at the broker; None while it is not connected, and from an older link."""
    log: str | None
    """The file that holds what it says."""
    up_s: float
    connected: bool
    headless: bool
    """Started without a terminal: no terminal's leaving ends it."""
    kept: bool = False
    """A person left it in the background."""
    session: str | None = None
    agents: list[AgentHere] = []
    terminals: list[TerminalHere] = []
    metrics_port: int | None = None
    """Of 127.0.0.1; None: it serves no metrics."""


class Attached(_Message):
    """The terminal is taken."""

    type: Literal["attached"] = "attached"
    state: State


class Told(_Message):
    """Something that the link tells its user."""

    type: Literal["told"] = "told"
    notice: Annotated[Notice, Field(discriminator="type")]


class Asked(_Message):
    """A question to the person at this machine."""

    number: int
    title: str
    details: list[str] = []
    yes: str = ""


class Questions(_Message):
    """All that waits for an answer here, whenever that changes."""

    type: Literal["questions"] = "questions"
    open: list[Asked]


class Left(_Message):
    """What becomes of the link."""

    type: Literal["left"] = "left"
    stopping: bool


class Stopping(_Message):
    """It is told, and ends; `ended` and the end of the connection follow."""

    type: Literal["stopping"] = "stopping"


class Taken(_Message):
    """It was taken."""

    type: Literal["taken"] = "taken"


class Refused(_Message):
    """Not for this peer."""

    type: Literal["refused"] = "refused"
    code: str
    reason: str


class Ended(_Message):
    """The link is over, with the exit status of its process, and why where that is not for being told to."""

    type: Literal["ended"] = "ended"
    status: int
    reason: str | None = None


FromLink = Annotated[
    State | Attached | Told | Questions | Left | Stopping | Taken | Refused | Ended, Field(discriminator="type")
]

_TO_LINK: TypeAdapter[ToLink] = TypeAdapter(ToLink, config=ConfigDict(defer_build=True))
_FROM_LINK: TypeAdapter[FromLink] = TypeAdapter(FromLink, config=ConfigDict(defer_build=True))


def read_to_link(line: bytes) -> ToLink | None:
    """A message of a terminal; None for one of another version. Raises `ProtocolViolation`."""
    return _read(_TO_LINK, line)


def read_from_link(line: bytes) -> FromLink | None:
    """A message of the link; None for one of another version. Raises `ProtocolViolation`."""
    return _read(_FROM_LINK, line)


def write(message: BaseModel) -> bytes:
    """A line."""
    return message.model_dump_json().encode() + b"\n"


def _read(adapter: TypeAdapter[_M], line: bytes) -> _M | None:
    try:
        return adapter.validate_json(line)
    except ValidationError as error:
        if any(problem["type"].startswith("union_tag") for problem in error.errors(include_url=False)):
            return None
        raise ProtocolViolation(f"no message of a control socket: {error.error_count()} mistakes", offset=0) from None
