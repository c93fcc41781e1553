"""Routing messages: signing, rendering, accepting, tracing."""

from __future__ import annotations

import asyncio
import hashlib
import logging
import re
import uuid
from dataclasses import dataclass

import orjson

from broker.domain.agents.agents import Agent
from broker.domain.agents.glimpse import first_line
from broker.domain.agents.sessions import Session
from broker.domain.errors import BadRequest
from broker.domain.ids import MessageId, SessionId
from broker.domain.logs.redaction import Redactor
from broker.domain.messages.envelope import render
from broker.domain.messages.messages import (
    Channel,
    Delivery,
    Message,
    Mode,
    Role,
    Sender,
    ToChannel,
    Trace,
    check_text,
    parse_address,
)
from broker.domain.names import unlike_an_id
from broker.domain.people.access import Permission, Principal
from broker.domain.timings import TIMINGS
from broker.services.permissions import requires
from broker.services.ports import Mailroom, OutgoingMessage, Reach, Registry
from broker.services.redaction import Redaction
from broker.telemetry.logs import STEPS_LOG, ids

_steps = logging.getLogger(f"{STEPS_LOG}.messages")
DEFAULT_TTL_S = TIMINGS.message_life_s
"""How long a message may wait for a busy or absent agent before its sender is told that it will not arrive."""
_MAX_TTL_S = TIMINGS.longest_message_life_s
_MESSAGE_ID = re.compile(r"[0-9A-Za-z-]{1,64}")
_NAMESPACE = uuid.UUID("6f3c2f0e-5d2a-4a53-9a3b-4f1d0a6f7f10")


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """What the sender is told: the message's id and where it stands with each recipient."""

    message_id: MessageId
    deliveries: list[Delivery]


class Router:
    """Sends messages and tells how far they got."""

    def __init__(
        self, mailroom: Mailroom, registry: Registry, redaction: Redaction, *, reach: Reach | None = None
    ) -> None:
        """`reach`: what runs of workflows let their agents say to whom."""
        self._reach = reach
        self._mailroom = mailroom
        self._registry = registry
        self._redaction = redaction

    @requires(Permission.SEND)
    async def send(
        self,
        principal: Principal,
        session: Session,
        *,
        to: str,
        text: str,
        mode: Mode = Mode.WAIT,
        thread: MessageId | None = None,
        ttl_s: int | None = None,
        idempotency_key: str | None = None,
    ) -> Sent:
        """Accept a message for an agent, a `#channel` or `*`.

        Raises `BadRequest`, `NotPermitted`, `NotFound` (AGENT_NOT_FOUND, NO_RECIPIENTS), `Conflict`,
        `PlanLimitReached`.
        """
        if self._reach is not None and principal.part is not None:
            await self._reach.require(principal, session, to=to)
        outgoing = prepare(
            principal.sender,
            session,
            to=to,
            text=text,
            mode=mode,
            thread=_check_thread(thread),
            ttl_s=_check_ttl(ttl_s),
            message_id=derive_id(principal, idempotency_key),
            redactor=await self._redaction.redactor(principal.workspace),
        )
        deliveries = await self._mailroom.send(principal.workspace, outgoing, plan=principal.plan)
        if _steps.isEnabledFor(logging.INFO):
            about = ids(workspace=principal.workspace, session=session.id, message=outgoing.id, agent=principal.agent)
            _steps.info("message is accepted for %d", len(deliveries), extra=about)
        # The command has come over the bus into this very loop: it goes out before the sender is answered.
        await asyncio.sleep(0)
        return Sent(message_id=outgoing.id, deliveries=deliveries)

    @requires(Permission.READ)
    async def trace(self, principal: Principal, session: Session, message: MessageId) -> Trace:
        """Every step of a message with its time. Raises `NotFound`."""
        return await self._mailroom.trace(principal.workspace, message, seen=session.id.__eq__)

    @requires(Permission.READ)
    async def trace_by_id(self, principal: Principal, message: MessageId) -> Trace:
        """The same in whatever session it was sent, where the caller sees that. Raises `NotFound`."""
        return await self._mailroom.trace(principal.workspace, message, seen=principal.sees)

    @requires(Permission.READ)
    async def session_of(self, principal: Principal, message: MessageId) -> SessionId:
        """The session it was sent in, where the caller sees that. Raises `NotFound`."""
        return await self._mailroom.session_of(principal.workspace, message, seen=principal.sees)

    @requires(Permission.READ)
    async def inbox(
        self, principal: Principal, agent: Agent, *, after: int, limit: int
    ) -> list[tuple[int, dict[str, object]]]:
        """An agent's messages by inbox number."""
        return await self._mailroom.inbox(principal.workspace, agent.id, after=after, limit=limit)

    @requires(Permission.SEND)
    async def join(self, principal: Principal, session: Session, *, channel: str, agent: str) -> None:
        """Put an agent into a channel; an agent does so with itself and those it spawned.

        Raises `BadRequest`, `NotFound`, `NotPermitted`, `Conflict`.
        """
        name = _channel(channel)
        unlike_an_id(name.removeprefix("#"))
        member = await self._registry.agent_named(principal.workspace, session.id, agent)
        await self._mailroom.join_channel(
            principal.workspace, session.id, channel=name, agent=member.id, by=principal.name, actor=principal.agent
        )

    @requires(Permission.SEND)
    async def leave(self, principal: Principal, session: Session, *, channel: str, agent: str) -> None:
        """Take an agent out of a channel; as `join`. Raises `BadRequest`, `NotFound`, `NotPermitted`."""
        name = _channel(channel)
        member = await self._registry.agent_named(principal.workspace, session.id, agent)
        await self._mailroom.leave_channel(
            principal.workspace, session.id, channel=name, agent=member.id, by=principal.name, actor=principal.agent
        )

    @requires(Permission.READ)
    async def channels(self, principal: Principal, session: Session) -> list[Channel]:
        """The channels that the session's agents are in, with their members."""
        return await self._mailroom.channels(principal.workspace, session.id)


def derive_id(principal: Principal, idempotency_key: str | None) -> MessageId:
    """The same id for the same caller and key, so that a repeated request meets what the first one made."""
    if idempotency_key is None:
        return MessageId(str(uuid.uuid4()))
    return MessageId(str(uuid.uuid5(_NAMESPACE, f"{principal.workspace}/{principal.token_id}/{idempotency_key}")))


def digest(*parts: object) -> str:
    """A fingerprint of a request."""
    return hashlib.sha256(orjson.dumps([str(part) for part in parts])).hexdigest()[:32]


def prepare(
    sender: Sender,
    session: Session,
    *,
    to: str,
    text: str,
    message_id: MessageId,
    redactor: Redactor,
    mode: Mode = Mode.WAIT,
    thread: MessageId | None = None,
    ttl_s: int = DEFAULT_TTL_S,
) -> OutgoingMessage:
    """Check, sign and render a message; only the log's copy is redacted. Raises `BadRequest`."""
    message = Message(
        id=message_id,
        session_id=session.id,
        sender=sender,
        to=to,
        text=check_text(text),
        mode=mode,
        thread_id=thread,
    )
    head, tail = render(message)
    shown = redactor.text(message.text.encode("utf-8", "replace").decode()).text
    return OutgoingMessage(
        id=message_id,
        session=session.id,
        digest=digest(session.id, to, text, mode, thread),
        sender_id=sender.agent_id,
        sender_name=sender.name,
        role=None if sender.role is Role.PEER else sender.role,
        to=parse_address(to),
        mode=mode,
        body=_body(message, shown),
        wire_head=_json_text(head)[:-1],
        wire_tail=_json_text(tail)[1:],
        ttl_s=ttl_s,
        brief=first_line(shown),
    )


def _json_text(text: str) -> str:
    return orjson.dumps(text.encode("utf-8", "replace").decode()).decode()


def _body(message: Message, shown: str) -> bytes:
    sender = message.sender
    return orjson.dumps(
        {
            "id": message.id,
            "from": {"name": sender.name, "role": sender.role, "agent": sender.agent_id},
            "to": message.to,
            "text": shown,
            "mode": message.mode,
            "thread": message.thread_id,
        }
    )


def _check_ttl(ttl_s: int | None) -> int:
    if ttl_s is None:
        return DEFAULT_TTL_S
    if not 1 <= ttl_s <= _MAX_TTL_S:
        raise BadRequest(f"ttl_s must be between 1 and {_MAX_TTL_S}")
    return ttl_s


def _check_thread(thread: MessageId | None) -> MessageId | None:
    """It stands in the header that agents take for true."""
    if thread is not None and not _MESSAGE_ID.fullmatch(thread):
        raise BadRequest("thread: the id of a message")
    return thread


def _channel(text: str) -> str:
    address = parse_address(text)
    if not isinstance(address, ToChannel):
        raise BadRequest(f"{text[:80]!r} is not a channel", code="INVALID_ADDRESS")
    return address.channel
