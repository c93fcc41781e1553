"""Prompts for a vendor that knows no message again and would not let a second one wait."""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Iterable, Iterator
from dataclasses import replace

from broker.domain.ids import MessageId
from broker.protocol.agents.events import PromptAccepted, PromptRefused
from broker.protocol.agents.frames import already_seen
from broker.protocol.agents.message_ids import nudge_id
from broker.protocol.agents.session import Frame, Prompt


class PromptQueue:
    """Keeps prompts until their turn may come, and each message from running twice.

    At most one prompt is `current`: handed over, and not yet answered for by the agent.
    """

    def __init__(self) -> None:
        self.current: Prompt | None = None
        self._kept: deque[Prompt] = deque()
        self._seen: set[MessageId] = set()
        self._accepted: set[MessageId] = set()

    def add(self, prompt: Prompt, *, in_turn: Collection[MessageId]) -> list[Frame]:
        """Keep a new prompt; of a known one say so, and keep its nudge unless its turn is running or to come."""
        if prompt.message_id not in self._seen:
            self._seen.add(prompt.message_id)
            self._kept.append(prompt)
            return []
        if prompt.nudge and prompt.message_id not in in_turn and not self._holds(prompt.message_id):
            self._accepted.add(prompt.message_id)
            self._kept.append(prompt)
        return [already_seen(prompt.message_id)]

    def add_again(self, prompt: Prompt) -> None:
        """Put a prompt that could not steer at the head, to wait for a turn of its own."""
        self._kept.appendleft(replace(prompt, steer=False))

    def take(self, *, steering: bool = False) -> Prompt | None:
        """The next prompt, now `current`; with `steering` the next that may join a running turn."""
        fit = (prompt for prompt in self._kept if prompt.steer or not steering)
        prompt = None if self.current else next(fit, None)
        if prompt is not None:
            self._kept.remove(prompt)
            self.current = prompt
        return prompt

    def remember(self, message_ids: Iterable[MessageId]) -> None:
        """These the conversation has had."""
        had = set(message_ids)
        self._seen |= had
        self._accepted |= had

    def accept(self, message_id: MessageId) -> Iterator[PromptAccepted]:
        """The agent has confirmed a prompt; told once."""
        if message_id not in self._accepted:
            self._accepted.add(message_id)
            yield PromptAccepted(message_id=message_id)

    def refuse(self, prompt: Prompt, reason: str) -> PromptRefused:
        """The agent will not run it; it may be delivered again."""
        self._seen.discard(prompt.message_id)
        return PromptRefused(message_id=prompt.message_id, reason=reason)

    def wording(self, prompt: Prompt) -> tuple[str, str]:
        """The id and the text to hand over: the message's own, or the nudge's for one the agent has had."""
        if prompt.nudge and prompt.message_id in self._accepted:
            return nudge_id(prompt.message_id, prompt.nudge), prompt.nudge
        return prompt.message_id, prompt.text

    def _holds(self, message_id: MessageId) -> bool:
        waiting = [*self._kept, self.current] if self.current else self._kept
        return any(prompt.message_id == message_id for prompt in waiting)
