"""Whatever comes over a machine's link: a message, or the violation that is documented; no report is lost unsaid."""

import pydantic_core
import pytest

from broker.domain.agents.agents import Transport
from broker.domain.ids import AgentId, MessageId, SessionId
from broker.protocol import proxy
from broker.protocol.agents.events import AgentReady, ApprovalRequested, StateEvent, TurnEnded, TurnOutcome
from broker.protocol.errors import ProtocolViolation
from broker.protocol.proxy import Reports
from tests.fixtures.desk import a_hello
from tests.fuzz.harness import fuzz, patient, reproducible, seeds, watchdog
from tests.fuzz.harness import mutate as mutated
from tests.fuzz.test_codecs import ALL

pytestmark = patient


def report(seq: int, kind: proxy.Report) -> bytes:
    return proxy.NumberedReport(seq=seq, report=kind).model_dump_json().encode()


def state(event: StateEvent) -> proxy.StateChanged:
    return proxy.StateChanged(agent=AgentId("a"), generation=1, event=event)


REPORTS = [
    report(
        1,
        proxy.Started(
            agent=AgentId("a"), generation=1, version="1", transport=Transport.STDIO, token_sha256="0" * 64, cwd="/"
        ),
    ),
    report(2, state(AgentReady(native_id="n"))),
    report(3, state(ApprovalRequested(native_id="0", tool="Bash", title="t", command="ls", input={"command": "ls"}))),
    report(4, state(TurnEnded(turn_id="t", outcome=TurnOutcome.COMPLETED, message_ids=(MessageId("m"),), text="x"))),
    report(5, proxy.Handed(agent=AgentId("a"), generation=1, message_id=MessageId("m"))),
    report(6, proxy.Exited(agent=AgentId("a"), generation=1, code=-9, expected=False, reason="exited")),
    report(7, proxy.SpoolOverflowed(dropped_frames=3)),
    *(
        proxy.write_frame_report(
            8 + place,
            proxy.FrameRecorded(agent=AgentId("a"), generation=1, direction="out", frame_type="x", raw=None),
            raw=line,
        )
        for place, line in enumerate(ALL[0].splitlines()[:20])
    ),
]
FROM_PROXY = [
    proxy.write(a_hello()).encode(),
    proxy.write(proxy.Ack(seq=3)).encode(),
    proxy.write_reports(REPORTS),
    proxy.write_reports(REPORTS[:7]),
]
COMMANDS: list[proxy.Command] = [
    proxy.Spawn(agent=AgentId("a"), generation=1, name="A", session=SessionId("s"), cli="demo"),
    proxy.Deliver(agent=AgentId("a"), generation=1, message_id=MessageId("m"), text="hi", not_after_ms=1),
    proxy.Probe(agent=AgentId("a"), generation=1),
]
FROM_BROKER = [
    *(proxy.write(proxy.NumberedCommand(seq=1, command=command)).encode() for command in COMMANDS),
    proxy.write(proxy.Auth(token="nt_live_x", expires_at_ms=1)).encode(),
    b'{"type":"welcome","proxy_id":"p","epoch":"e","reports_seen":1,"session":"s","session_url":"u","broker_version":"0"}',
]


def test_any_message_of_a_machine_is_read_or_violates_the_protocol() -> None:
    def check(data: bytes) -> None:
        try:
            message = proxy.read_from_proxy(data)
        except ProtocolViolation:
            return
        if isinstance(message, Reports):
            for numbered in message.reports:
                proxy.readable(
                    proxy.NumberedReport(seq=numbered.seq, report=numbered.report).model_dump_json().encode()
                )

    fuzz(check, FROM_PROXY, parts=2)


def test_any_message_of_a_broker_is_read_or_violates_the_protocol() -> None:
    def check(data: bytes) -> None:
        try:
            proxy.read_from_broker(data)
        except ProtocolViolation:
            return

    fuzz(check, FROM_BROKER)


def test_one_bad_report_among_others_costs_itself_alone() -> None:
    for seed in seeds():
        place = seed % len(REPORTS)
        bad = mutated(seed, [REPORTS[place]]).replace(b"\n", b" ")
        try:
            instead = proxy.readable(bad)
        except ProtocolViolation:
            continue
        number = int(pydantic_core.from_json(instead)["seq"])
        with reproducible(seed, bad), watchdog():
            message = proxy.read_from_proxy(proxy.write_reports([*REPORTS[:place], instead, *REPORTS[place + 1 :]]))
            assert isinstance(message, Reports)
            assert [each.seq for each in message.reports] == [
                number if at == place else at + 1 for at in range(len(REPORTS))
            ]


@pytest.mark.parametrize("text", [b'{"type":"reports","reports":[' * 50_000, b'{"seq":1,' * 200_000, b"[" * 5_000_000])
def test_no_message_takes_more_time_than_its_length_allows(text: bytes) -> None:
    with watchdog(), pytest.raises(ProtocolViolation):
        proxy.read_from_proxy(text)
