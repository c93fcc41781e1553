"""The prompts that were written to Claude Code and have not begun there."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from broker.domain.ids import MessageId
from broker.protocol.agents.events import AgentEvent, PromptAccepted, PromptRefused
from broker.protocol.agents.frames import already_seen, to_agent
from broker.protocol.agents.message_ids import nudge_id
from broker.protocol.agents.session import Frame, Prompt
from broker.protocol.agents.turns import RunningTurn
from broker.protocol.claude.frames import user_frame

_MAX_NUDGES = 8
"""A nudge is itself known again after one more restart, and the next one is sent; a loop beyond this is a fault."""


@dataclass(slots=True, kw_only=True)
class Delivery:
    """A prompt on its way."""

    message_id: MessageId
    nudge: str | None
    nudges_sent: int = 0
    told: bool = False
    """`PromptAccepted` is out."""
    queued: bool = False
    """The CLI took its present uuid as a new one."""


class Deliveries:
    """Knows prompts by the uuid they were written under: the message's id, or one made for a nudge."""

    def __init__(self, written: Sequence[MessageId] = (), *, begun: bool = False) -> None:
        """`written` were handed over by a predecessor and are unanswered; `begun` says that they are in a turn."""
        self._handed = set(written)
        self._waiting: dict[str, Delivery] = {}
        for message_id in () if begun else written:
            self._waiting[message_id] = Delivery(message_id=message_id, nudge=None, told=True, queued=True)

    @property
    def oldest(self) -> str | None:
        """The uuid that has waited longest."""
        return next(iter(self._waiting), None)

    @property
    def oldest_queued(self) -> str | None:
        """The uuid that has waited longest of those the CLI says it has."""
        return next((uuid for uuid, delivery in self._waiting.items() if delivery.queued), None)

    def is_queued(self, uuid: str) -> bool:
        """Whether the CLI took it and has not begun it."""
        delivery = self._waiting.get(uuid)
        return delivery is not None and delivery.queued

    def hand_over(self, prompt: Prompt, *, turn: RunningTurn | None) -> list[Frame]:
        """Write a new prompt; of a known one say so, and write its nudge unless its turn is running or to come."""
        delivery = Delivery(message_id=prompt.message_id, nudge=prompt.nudge)
        if prompt.message_id not in self._handed:
            self._handed.add(prompt.message_id)
            later = (turn is not None or bool(self._waiting)) and not prompt.steer
            return [self._write(prompt.text, uuid=prompt.message_id, delivery=delivery, later=later)]
        frames = [already_seen(prompt.message_id)]
        running = turn.message_ids if turn else ()
        waiting = {each.message_id for each in self._waiting.values()}
        if prompt.nudge and prompt.message_id not in waiting and prompt.message_id not in running:
            delivery.told = True
            frames.append(self._nudge(prompt.message_id, delivery, text=prompt.nudge))
        return frames

    def confirm(self, uuid: str) -> Iterator[PromptAccepted]:
        """The CLI took it as new."""
        delivery = self._waiting.get(uuid)
        if delivery is not None:
            delivery.queued = True
            yield from _tell(delivery, already_seen=False)

    def begin(self, uuid: str) -> MessageId | None:
        """It enters a turn; None when it is not one of ours."""
        delivery = self._waiting.pop(uuid, None)
        return delivery.message_id if delivery else None

    def cancel(self, uuid: str) -> Iterator[PromptRefused]:
        """The CLI dropped it; it may be delivered again."""
        delivery = self._waiting.pop(uuid, None)
        if delivery is not None:
            self._handed.discard(delivery.message_id)
            yield PromptRefused(message_id=delivery.message_id, reason="cancelled")

    def note_known(self, uuid: str, *, continued: RunningTurn | None) -> Iterator[AgentEvent | Frame]:
        """The CLI has had it before a restart: it joins the turn the CLI goes on with by itself, else it is nudged."""
        delivery = self._waiting.get(uuid)
        if delivery is None or delivery.queued:
            return
        del self._waiting[uuid]
        yield from _tell(delivery, already_seen=True)
        if continued is not None:
            yield continued.join(delivery.message_id)
        elif delivery.nudges_sent == _MAX_NUDGES:
            yield PromptRefused(message_id=delivery.message_id, reason="already_seen")
        elif delivery.nudge:
            yield self._nudge(uuid, delivery, text=delivery.nudge)

    def _nudge(self, previous: str, delivery: Delivery, *, text: str) -> Frame:
        delivery.nudges_sent += 1
        delivery.queued = False
        return self._write(text, uuid=nudge_id(previous, text), delivery=delivery, later=False)

    def _write(self, text: str, *, uuid: str, delivery: Delivery, later: bool) -> Frame:
        """By itself the CLI would put a prompt into the running turn, after the next tool's result."""
        self._waiting[uuid] = delivery
        frame = user_frame(text, uuid=uuid, priority="later" if later else None)
        return to_agent(frame, "user", hands_over=delivery.message_id)


def _tell(delivery: Delivery, *, already_seen: bool) -> Iterator[PromptAccepted]:
    if not delivery.told:
        delivery.told = True
        yield PromptAccepted(message_id=delivery.message_id, already_seen=already_seen)
