"""Turns what happens to one agent into numbered reports that every broker takes, with every secret cut out."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, get_args

import orjson
from typing_extensions import TypeIs

from broker.domain.agents.agents import Transport
from broker.domain.ids import AgentId, MessageId
from broker.domain.people.token_kinds import INVITATION_PREFIX, PREFIXES, REFRESH_PREFIX, SIGN_IN_PREFIX
from broker.domain.people.token_text import NOT_IN_A_WORD
from broker.protocol.agents.events import (
    ApprovalRequested,
    ApprovalWithdrawn,
    ContentEvent,
    ProblemNoted,
    PromptJoinedTurn,
    PromptRefused,
    StateEvent,
    TurnEnded,
    TurnStarted,
)
from broker.protocol.agents.session import Direction, Frame
from broker.protocol.json_text import dumps
from broker.protocol.proxy import (
    MAX_LINK_MESSAGE_BYTES,
    CommandOutput,
    CommandRan,
    Exited,
    Expired,
    Handed,
    HookRan,
    Report,
    Started,
    StateChanged,
    readable,
    readable_frame,
    write_frame,
)
from connect.machine.spool import Spool, Weight
from connect.step_log import tell_step

_MAX_REPORT_BYTES = MAX_LINK_MESSAGE_BYTES - 1024
_MAX_TEXT = 64 * 1024
_NOTE = "relaycast/note"
_REDACTED = b"[redacted]"
_KINDS = "|".join((*PREFIXES.values(), SIGN_IN_PREFIX, INVITATION_PREFIX, REFRESH_PREFIX))
_TOKEN = re.compile(rf"{NOT_IN_A_WORD}(?:{_KINDS})(?=[A-Za-z_-]{{0,40}}[0-9])[A-Za-z0-9_-]{{30,}}".encode())
"""As random as all are, so that no name in a program is taken for one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MachineReporter:
    """Writes into the spool what is about no agent."""

    spool: Spool
    secrets: Callable[[], tuple[str, ...]]

    def hook(self, report: HookRan) -> None:
        """How far a hook's run has come; its agent may be gone."""
        self._state(report)

    def command(self, report: CommandRan) -> None:
        """How far a command of a workflow has come."""
        self._state(report)

    def command_output(self, report: CommandOutput) -> None:
        """What a command has written last; where the spool is full it is dropped."""
        self.spool.add(lambda seq: self._encode_state(seq, report), weight=Weight.TRANSIENT)

    def redact(self, encoded: bytes) -> bytes:
        """Without secrets: those this process knows, and whatever looks like a token of this product.

        They are made of characters that JSON never escapes, so the encoded form can be cut.
        """
        for secret in self.secrets():
            encoded = encoded.replace(secret.encode(), _REDACTED)
        # A pair that was used up, another machine's, a person's key: an agent may have come by any of them.
        return _TOKEN.sub(_REDACTED, encoded) if b"_live_" in encoded else encoded

    def _state(self, report: Report) -> int:
        number = self.spool.add(lambda seq: self._encode_state(seq, report), weight=Weight.STATE)
        assert number is not None
        return number

    def _encode_state(self, seq: int, report: Report) -> bytes:
        body = report.model_dump()
        encoded = dumps({"seq": seq, "report": body})
        if len(encoded) > _MAX_REPORT_BYTES:
            encoded = dumps({"seq": seq, "report": _shorten(body)})
        return readable(self.redact(encoded))


@dataclass(frozen=True, slots=True, kw_only=True)
class Reporter(MachineReporter):
    """Writes into the spool for one generation of one agent."""

    agent: AgentId
    generation: int

    def report_started(
        self, *, token: str, version: str | None, transport: Transport, cwd: str, branch: str | None
    ) -> int:
        """The process is about to start; the number to wait for."""
        return self._state(
            Started(
                agent=self.agent,
                generation=self.generation,
                version=version,
                transport=transport,
                token_sha256=hashlib.sha256(token.encode()).hexdigest(),
                cwd=cwd,
                branch=branch,
            )
        )

    def frame(self, frame: Frame) -> None:
        """A native frame went by; then, for each, how it changed the agent's state."""
        weight = Weight.TRANSIENT if frame.transient else Weight.FRAME
        self.spool.add(lambda seq: self._encode_frame(seq, frame), weight=weight)
        for event in frame.events:
            if is_state_event(event):
                self._tell(event)
                self._state(StateChanged(agent=self.agent, generation=self.generation, event=event))

    def problem(self, detail: str) -> None:
        """Something that the agent's readers should know, and that no frame of its own says."""
        self.report_note(ProblemNoted(detail=detail))

    def report_note(self, note: ContentEvent) -> None:
        """Something that this machine has found out, in a frame of its own."""
        self.frame(Frame(direction=Direction.FROM_AGENT, raw=dumps({"type": _NOTE}), type=_NOTE, events=(note,)))

    def report_asked(self, event: ApprovalRequested) -> None:
        """It waits for permission, and hooks have seen that already."""
        self._state(StateChanged(agent=self.agent, generation=self.generation, event=event))

    def report_withdrawn(self, native_id: str) -> None:
        """It does not wait for permission any more."""
        event = ApprovalWithdrawn(native_id=native_id)
        self._state(StateChanged(agent=self.agent, generation=self.generation, event=event))

    def report_handed(self, message_id: MessageId) -> None:
        """A message's bytes are with the process."""
        tell_step("message is handed to the process", agent=self.agent, message=message_id)
        self._state(Handed(agent=self.agent, generation=self.generation, message_id=message_id))

    def report_refused(self, message_id: MessageId, reason: str) -> None:
        """A message was not given to the process, and will not be."""
        event = PromptRefused(message_id=message_id, reason=reason)
        self._tell(event)
        self._state(StateChanged(agent=self.agent, generation=self.generation, event=event))

    def report_expired(self, message_id: MessageId) -> None:
        """A message came too late to be given to the process."""
        tell_step("message has come too late", agent=self.agent, message=message_id)
        self._state(Expired(agent=self.agent, generation=self.generation, message_id=message_id))

    def report_exited(self, *, code: int | None, expected: bool, reason: str, detail: str) -> None:
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

    def _tell(self, event: StateEvent) -> None:
        """What becomes of messages, in the log of this machine."""
        match event:
            case TurnStarted(turn_id=turn, message_id=message) if message is not None:
                tell_step("message is in turn", agent=self.agent, message=message, turn=turn)
            case PromptJoinedTurn(turn_id=turn, message_id=message):
                tell_step("message has joined a turn", agent=self.agent, message=message, turn=turn)
            case TurnEnded(turn_id=turn, message_ids=messages, outcome=outcome):
                for each in messages:
                    tell_step("turn is over", agent=self.agent, message=each, turn=turn, outcome=outcome)
            case PromptRefused(message_id=message):
                tell_step("message is refused", agent=self.agent, message=message)
            case _:
                pass

    def _encode_frame(self, seq: int, frame: Frame) -> bytes:
        events: Sequence[ContentEvent] = [event for event in frame.events if not is_state_event(event)]
        encoded = self._write_frame(seq, frame, events, raw=frame.raw)
        if len(encoded) > _MAX_REPORT_BYTES:
            # It would break the link on every try; what it meant still goes through, if that at least fits.
            omitted = orjson.dumps({"relaycast_omitted_bytes": len(frame.raw)})
            encoded = self._write_frame(seq, frame, events, raw=omitted)
        if len(encoded) > _MAX_REPORT_BYTES:
            encoded = self._write_frame(seq, frame, (), raw=omitted)
        redacted = self.redact(encoded)
        # What the codec has read is JSON for every reader; only a secret that is no text could have broken it.
        return redacted if frame.value is not None and redacted == encoded else readable_frame(redacted)

    def _write_frame(self, seq: int, frame: Frame, events: Sequence[ContentEvent], *, raw: bytes) -> bytes:
        return write_frame(
            seq,
            agent=self.agent,
            generation=self.generation,
            direction=frame.direction.value,
            frame_type=frame.type,
            transient=frame.transient,
            events=events,
            raw=raw,
        )


def _shorten(value: Any) -> Any:
    """A report that is too large to be sent, with its texts cut to what a person may read.

    The command of a permission request stays whole, for rules decide by it; what it is asked with is left out.
    """
    match value:
        case str() if len(value) > _MAX_TEXT:
            return f"{value[:_MAX_TEXT]}… [{len(value) - _MAX_TEXT} characters left out]"
        case {"type": "approval_requested", "command": command, "input": given}:
            omitted = None if given is None else {"relaycast_omitted_bytes": len(dumps(given))}
            rest = {key: _shorten(each) for key, each in value.items()}
            return {**rest, "command": command, "input": omitted}
        case dict():
            return {key: _shorten(each) for key, each in value.items()}
        case list() | tuple():
            return [_shorten(each) for each in value]
        case _:
            return value


_STATE_EVENTS: frozenset[type] = frozenset(get_args(StateEvent))


def is_state_event(event: object) -> TypeIs[StateEvent]:
    """Whether an event changes the agent's state rather than telling what it does."""
    return type(event) in _STATE_EVENTS
