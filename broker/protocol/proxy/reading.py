"""Reads and writes the messages of the link."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import orjson
from pydantic import Field, TypeAdapter, ValidationError
from pydantic_core import from_json

from broker.domain.ids import AgentId
from broker.protocol.errors import ProtocolViolation
from broker.protocol.json_text import dumps, excerpt
from broker.protocol.proxy.commands import Command, UnreadableCommand
from broker.protocol.proxy.members import LATER, WHOLE
from broker.protocol.proxy.messages import FromBroker, FromProxy, UnknownMessage
from broker.protocol.proxy.reports import MOST_REPORTS, FrameRecorded, NumberedReport, Reports, SpoolOverflowed
from broker.protocol.salvage import Plain, elements, plain_members

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

BROKEN_REPORT = "relaycast/broken_report"
"""The frame type of the report that stands in place of one that could not be read."""

_EXCERPT_BYTES = 1024

_FROM_PROXY: TypeAdapter[FromProxy] = TypeAdapter(Annotated[FromProxy, Field(discriminator="type")], config=LATER)
_FROM_BROKER: TypeAdapter[FromBroker] = TypeAdapter(Annotated[FromBroker, Field(discriminator="type")], config=LATER)
_NUMBERED_REPORT: TypeAdapter[NumberedReport] = TypeAdapter(NumberedReport)
_KNOWN_FROM_PROXY = frozenset({"hello", "reports", "ack", "auth.refresh", "load"})
_KNOWN_FROM_BROKER = frozenset({"welcome", "command", "auth", "ack"})
_INNER = {name: re.compile(rb'"%b"\s*:\s*(?=\{)' % name) for name in (b"report", b"command")}


def read_from_proxy(text: str | bytes) -> FromProxy | UnknownMessage:
    """Parse one message from a proxy; raise `ProtocolViolation` when it is not one.

    Each of the reports that cannot be read is replaced, as by `readable`.
    """
    try:
        return _FROM_PROXY.validate_json(text)
    except ValidationError as error:
        encoded = _encode(text)
        kind = plain_members(encoded).get("type")
        if kind == "reports":
            if encoded.count(b'"seq"') > MOST_REPORTS and _are_too_many(error):
                raise ProtocolViolation(f"more than {MOST_REPORTS} reports in one message", offset=0) from None
            return Reports(reports=[_read_report(each) for each in _elements(encoded, error)])
        return _unknown(kind, error, known=_KNOWN_FROM_PROXY)


def read_from_broker(text: str | bytes) -> FromBroker | UnreadableCommand | UnknownMessage:
    """Parse one message from the broker; raise `ProtocolViolation` when it is not one."""
    try:
        return _FROM_BROKER.validate_json(text)
    except ValidationError as error:
        encoded = _encode(text)
        members = plain_members(encoded)
        if members.get("type") == "command" and (seq := _number(members.get("seq"))) is not None:
            agent, generation = _about(encoded, b"command")
            return UnreadableCommand(seq=seq, agent=agent, generation=generation, reason=_words(error))
        return _unknown(members.get("type"), error, known=_KNOWN_FROM_BROKER)


def readable(encoded: bytes) -> bytes:
    """A numbered report as it is, or what stands in its place when no broker would take it.

    Raises `ProtocolViolation` when it does not even have a number.
    """
    try:
        _NUMBERED_REPORT.validate_json(encoded)
    except ValidationError as error:
        return _in_place_of(encoded, _words(error)).model_dump_json().encode()
    return encoded


def in_place_of(encoded: bytes, reason: str) -> bytes:
    """The numbered report that says why this one was dropped. Raises `ProtocolViolation` when it has no number."""
    return _in_place_of(encoded, reason).model_dump_json().encode()


def placeholder(seq: int) -> bytes:
    """A numbered report that says that one was lost."""
    return _report_lost(seq).model_dump_json().encode()


def write(message: FromProxy | FromBroker | Command) -> str:
    """One message as the text that goes into a WebSocket message."""
    return message.model_dump_json()


def write_frame_report(seq: int, report: FrameRecorded, *, raw: bytes) -> bytes:
    """A numbered frame report with `raw` put in as it is, without parsing it again."""
    body = report.model_dump(exclude={"raw"})
    return dumps({"seq": seq, "report": {**body, "raw": orjson.Fragment(raw)}})


def write_frame(
    seq: int,
    *,
    agent: AgentId,
    generation: int,
    direction: str,
    frame_type: str,
    transient: bool,
    events: Sequence[DataclassInstance],
    raw: bytes,
) -> bytes:
    """The same from the parts, without a model between: most of what a machine reports are fragments.

    `events` are the codec's own; `raw` is JSON, put in as it is.
    """
    body: dict[str, object] = {
        "type": "frame",
        "agent": agent,
        "generation": generation,
        "direction": direction,
        "frame_type": frame_type,
        "transient": transient,
        "events": events,
        "raw": orjson.Fragment(raw),
    }
    try:
        return orjson.dumps({"seq": seq, "report": body})
    except orjson.JSONEncodeError:
        return dumps({"seq": seq, "report": {**body, "events": [dataclasses.asdict(event) for event in events]}})


def readable_frame(encoded: bytes) -> bytes:
    """As `readable`, of what `write_frame` has written: that much is sure of it, and only JSON can be wrong."""
    try:
        from_json(encoded, allow_inf_nan=False, cache_strings=False)
    except ValueError:
        return readable(encoded)
    return encoded


def write_reports(encoded: list[bytes]) -> bytes:
    """A `reports` message from already encoded numbered reports."""
    return b'{"type":"reports","reports":[' + b",".join(encoded) + b"]}"


def _are_too_many(error: ValidationError) -> bool:
    return any(each["type"] == "too_long" for each in error.errors(include_url=False, include_input=False))


def _read_report(encoded: bytes) -> NumberedReport:
    try:
        return _NUMBERED_REPORT.validate_json(encoded)
    except ValidationError as error:
        return _in_place_of(encoded, _words(error))


def _report_lost(seq: int) -> NumberedReport:
    return NumberedReport(seq=seq, report=SpoolOverflowed(dropped_frames=1))


def _in_place_of(encoded: bytes, reason: str) -> NumberedReport:
    """What can be said of a report that cannot be read: to the agent's readers, else that something is missing."""
    seq = _number(plain_members(encoded).get("seq"))
    if seq is None:
        raise ProtocolViolation("a report without a number", offset=0) from None
    agent, generation = _about(encoded, b"report")
    if agent is None:
        return _report_lost(seq)
    detail = f"a report of {len(encoded)} bytes could not be read and was dropped: {reason}"
    begins = excerpt(encoded[:_EXCERPT_BYTES].decode("utf-8", "replace"))
    return NumberedReport(
        seq=seq,
        report=FrameRecorded(
            agent=agent,
            generation=generation,
            direction="out",
            frame_type=BROKEN_REPORT,
            events=[{"type": "problem", "detail": detail, "will_retry": False}],
            raw={"type": BROKEN_REPORT, "bytes": len(encoded), "begins": begins},
        ),
    )


def _about(encoded: bytes, member: bytes) -> tuple[AgentId | None, int]:
    """The agent and the generation that an inner object tells."""
    inner = _INNER[member].search(encoded)
    members = plain_members(encoded[inner.end() :]) if inner else {}
    agent, generation = members.get("agent"), _number(members.get("generation"))
    known = isinstance(agent, str) and generation is not None
    return (AgentId(str(agent)) if known else None), generation or 0


def _number(value: Plain) -> int | None:
    whole = isinstance(value, int) and not isinstance(value, bool) and 0 <= value < WHOLE
    return int(value) if whole and value is not None else None


def _elements(encoded: bytes, error: ValidationError) -> list[bytes]:
    found = elements(encoded, member=b"reports")
    if found is None:
        raise ProtocolViolation(_words(error), offset=0) from None
    return found


def _unknown(kind: Plain, error: ValidationError, *, known: frozenset[str]) -> UnknownMessage:
    if isinstance(kind, str) and kind not in known:
        return UnknownMessage(type=kind)
    raise ProtocolViolation(_words(error), offset=0) from None


def _encode(text: str | bytes) -> bytes:
    return text.encode("utf-8", "replace") if isinstance(text, str) else text


def _words(error: ValidationError) -> str:
    first = error.errors(include_url=False, include_input=False)[0]
    where = ".".join(str(part) for part in first["loc"])
    return excerpt(f"{where}: {first['msg']}" if where else first["msg"])
