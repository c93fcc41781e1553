"""Turns what happens to one agent into numbered reports, with every secret cut out."""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import get_args

import orjson
from typing_extensions import TypeIs

from broker.domain.agents import Transport
from broker.domain.ids import AgentId, MessageId
from broker.protocol.agent_events import StateEvent
from broker.protocol.agent_session import Frame
from broker.protocol.proxy import (
    MAX_LINK_MESSAGE_BYTES,
    Exited,
    FrameRecorded,
    Handed,
    NumberedReport,
    Report,
    Started,
    StateChanged,
    write_frame_report,
)
from connect.spool import Spool, Weight

_MAX_REPORT_BYTES = MAX_LINK_MESSAGE_BYTES - 1024
_REDACTED = b"[redacted]"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reporter:
    """Writes into the spool for one generation of one agent."""

    spool: Spool
    agent: AgentId
    generation: int
    secrets: Callable[[], tuple[str, ...]]

    def started(self, *, token: str, version: str | None, transport: Transport, cwd: str) -> int:
        """The process is about to start; the number to wait for."""
        return self._state(
            Started(
                agent=self.agent,
                generation=self.generation,
                version=version,
                transport=transport,
                token_sha256=hashlib.sha256(token.encode()).hexdigest(),
                cwd=cwd,
            )
        )

    def frame(self, frame: Frame) -> None:
        """A native frame went by; then, for each, how it changed the agent's state."""
        content = [dataclasses.asdict(event) for event in frame.events if not is_state_event(event)]
        report = FrameRecorded(
            agent=self.agent,
            generation=self.generation,
            direction=frame.direction.value,
            frame_type=frame.type,
            transient=frame.transient,
            events=content,
            raw=None,
        )
        weight = Weight.TRANSIENT if frame.transient else Weight.FRAME
        self.spool.add(lambda seq: self._encoded_frame(seq, report, raw=frame.raw), weight=weight)
        for event in frame.events:
            if is_state_event(event):
                self._state(StateChanged(agent=self.agent, generation=self.generation, event=event))

    def handed(self, message_id: MessageId) -> None:
        """A message's bytes are with the process."""
        self._state(Handed(agent=self.agent, generation=self.generation, message_id=message_id))

    def exited(self, *, code: int | None, expected: bool, reason: str, detail: str) -> None:
        """Process and children are gone."""
        self._state(
            Exited(
                agent=self.agent,
                generation=self.generation,
                code=code,
                expected=expected,
                reason=reason,
                detail=detail,
            )
        )

    def redacted(self, encoded: bytes) -> bytes:
        """Without secrets. They are made of characters that JSON never escapes, so the encoded form can be cut."""
        for secret in self.secrets():
            encoded = encoded.replace(secret.encode(), _REDACTED)
        return encoded

    def _state(self, report: Report) -> int:
        def encode(seq: int) -> bytes:
            return self.redacted(NumberedReport(seq=seq, report=report).model_dump_json().encode())

        number = self.spool.add(encode, weight=Weight.STATE)
        assert number is not None
        return number

    def _encoded_frame(self, seq: int, report: FrameRecorded, *, raw: bytes) -> bytes:
        encoded = write_frame_report(seq, report, raw=raw)
        if len(encoded) > _MAX_REPORT_BYTES:
            # It would break the link on every try; what it meant still goes through, if that at least fits.
            omitted = orjson.dumps({"relaycast_omitted_bytes": len(raw)})
            encoded = write_frame_report(seq, report, raw=omitted)
        if len(encoded) > _MAX_REPORT_BYTES:
            encoded = write_frame_report(seq, report.model_copy(update={"events": []}), raw=omitted)
        return self.redacted(encoded)


_STATE_EVENTS: tuple[type, ...] = get_args(StateEvent)


def is_state_event(event: object) -> TypeIs[StateEvent]:
    """Whether an event changes the agent's state rather than telling what it does."""
    return isinstance(event, _STATE_EVENTS)
