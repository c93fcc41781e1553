"""Messages between participants: addresses, delivery modes, and how far a message got."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum

from broker.domain.agents.agents import agent_name
from broker.domain.errors import BadRequest, TooLarge
from broker.domain.ids import AgentId, MessageId, SessionId
from broker.domain.messages.steps import ReceiptState
from broker.domain.names import looks_like_id

MAX_TEXT_BYTES = 256 * 1024
"""Larger texts belong in a file the agents share: no vendor takes a prompt of this size gladly."""

_CHANNEL = re.compile(r"#[a-z0-9][a-z0-9_-]{0,63}")


class Mode(StrEnum):
    """When a message enters the recipient's conversation."""

    WAIT = "wait"
    """At the next idle moment."""
    STEER = "steer"
    """Into the running turn, where the vendor can; otherwise as `wait`."""
    INTERRUPT = "interrupt"
    """Stop the running turn first."""


class Role(StrEnum):
    """What the sender is to the recipient; attested by the broker, never taken from the text."""

    HUMAN = "human"
    LEAD = "lead"
    """The agent that spawned the recipient."""
    PEER = "peer"
    EXTERNAL = "external"
    """A program with a workspace token."""
    SYSTEM = "system"
    """The broker itself: receipts, restarts."""


@dataclass(frozen=True, slots=True)
class ToAgent:
    """One agent of the session, by name or id."""

    name: str


@dataclass(frozen=True, slots=True)
class ToChannel:
    """Every member of a channel, the sender excepted."""

    channel: str


@dataclass(frozen=True, slots=True)
class ToAll:
    """Every agent of the session, the sender excepted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Channel:
    """A room within a session, which is there for as long as it has members."""

    name: str
    members: tuple[str, ...]
    """The names of the living agents in it."""


Address = ToAgent | ToChannel | ToAll


def parse_address(text: str) -> Address:
    """Read `Name`, `@Name`, an agent's id, `#channel` or `*`.

    Raises `BadRequest` (INVALID_ADDRESS or INVALID_NAME).
    """
    if text in {"*", "@all", "@everyone"}:
        return ToAll()
    if text.startswith("#"):
        if not _CHANNEL.fullmatch(text):
            raise BadRequest(
                f"{text[:80]!r} is not a channel: '#', then lower-case letters, digits, '_', '-'",
                code="INVALID_ADDRESS",
            )
        return ToChannel(text)
    name = text.removeprefix("@")
    return ToAgent(name if looks_like_id(name) else agent_name(name))


@dataclass(frozen=True, slots=True, kw_only=True)
class Sender:
    """Who sent a message, as the broker knows it."""

    name: str
    role: Role
    agent_id: AgentId | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One message as it was accepted."""

    id: MessageId
    session_id: SessionId
    sender: Sender
    to: str
    text: str
    mode: Mode
    thread_id: MessageId | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """Where a message stands with one recipient."""

    to: str
    agent_id: AgentId
    state: ReceiptState
    because: str | None = None
    """Why it had to wait: `agent_busy`, `agent_starting`, `proxy_away`, `stopped`, …"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One step of a delivery and when it was made."""

    state: str
    at_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class TracedDelivery:
    """Everything known of one message's way to one recipient."""

    to: str
    agent_id: AgentId
    state: ReceiptState
    because: str | None
    reason: str | None
    """Why it is undeliverable."""
    turn_id: str | None
    outcome: str | None
    answer: str | None
    """The closing words of the turn it was part of."""
    attempts: int
    steps: tuple[Step, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Trace:
    """A message and its deliveries."""

    message: dict[str, object]
    deliveries: tuple[TracedDelivery, ...]


def check_text(text: str) -> str:
    """Return `text` when it can be sent; raise `BadRequest` when it is empty, `TooLarge`."""
    if not text.strip():
        raise BadRequest("the message is empty")
    size = len(text.encode("utf-8", "surrogatepass"))
    if size > MAX_TEXT_BYTES:
        raise TooLarge(f"the message has {size} bytes; {MAX_TEXT_BYTES} at most")
    return text
