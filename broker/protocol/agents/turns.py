"""The turn an agent is in."""

from __future__ import annotations

from dataclasses import dataclass, field

from broker.domain.ids import MessageId
from broker.protocol.agents.events import PromptJoinedTurn, TurnEnded, TurnOutcome, TurnStarted


@dataclass(slots=True, kw_only=True)
class RunningTurn:
    """Collects what `TurnEnded` will say."""

    turn_id: str
    message_ids: list[MessageId] = field(default_factory=list)
    text: str = ""
    """The last thing the agent said."""
    stop_asked: bool = False

    def report_start(self) -> TurnStarted:
        """The event for its beginning."""
        return TurnStarted(turn_id=self.turn_id, message_id=self.message_ids[0] if self.message_ids else None)

    def join(self, message_id: MessageId) -> PromptJoinedTurn:
        """Another prompt becomes part of it."""
        self.message_ids.append(message_id)
        return PromptJoinedTurn(message_id=message_id, turn_id=self.turn_id)

    def report_end(self, outcome: TurnOutcome, *, reason: str | None = None) -> TurnEnded:
        """The event for its end."""
        return TurnEnded(
            turn_id=self.turn_id,
            outcome=outcome,
            message_ids=tuple(self.message_ids),
            text=self.text,
            reason=reason,
        )
