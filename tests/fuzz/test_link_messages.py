"""Whatever comes over a machine's link: a message, or the violation that is documented; no report is lost unsaid."""

from typing import get_args

import pydantic_core
import pytest

from broker.domain.agents.agents import Transport
from broker.domain.approvals.answers import ApprovalAnswer, Verdict
from broker.domain.hooks.runs import RunState
from broker.domain.ids import AgentId, MessageId, SessionId
from broker.domain.machines.load import MachineLoad
from broker.domain.workflows.runs.commands import CommandKind, CommandState
from broker.protocol import proxy
from broker.protocol.agents.events import AgentReady, ApprovalRequested, StateEvent, TurnEnded, TurnOutcome
from broker.protocol.errors import ProtocolViolation
from broker.protocol.hooks_yaml.reader import read_hooks
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


KINDS_OF_REPORTS: list[proxy.Report] = [
    proxy.Started(
        agent=AgentId("a"), generation=1, version="1", transport=Transport.STDIO, token_sha256="0" * 64, cwd="/"
    ),
    state(AgentReady(native_id="n")),
    state(ApprovalRequested(native_id="0", tool="Bash", title="t", command="ls", input={"command": "ls"})),
    state(TurnEnded(turn_id="t", outcome=TurnOutcome.COMPLETED, message_ids=(MessageId("m"),), text="x")),
    proxy.Handed(agent=AgentId("a"), generation=1, message_id=MessageId("m")),
    proxy.Expired(agent=AgentId("a"), generation=1, message_id=MessageId("m")),
    proxy.Exited(agent=AgentId("a"), generation=1, code=-9, expected=False, reason="exited"),
    proxy.HookRan(
        agent=AgentId("a"), generation=1, run="r", hook="h", state=RunState.FAILED, argv=["sh", "-c", "x"], output="o"
    ),
    proxy.CommandOutput(command="c", tail="line\n", bytes=5),
    proxy.CommandRan(command="c", state=CommandState.ENDED, exit_code=1, output="o", errors="e", folder="/f"),
    proxy.SpoolOverflowed(dropped_frames=3),
    proxy.ReportsLost(lost=3, sent_again=9, states=True),
]
REPORTS = [
    *(report(seq, kind) for seq, kind in enumerate(KINDS_OF_REPORTS, 1)),
    *(
        proxy.write_frame_report(
            seq,
            proxy.FrameRecorded(agent=AgentId("a"), generation=1, direction="out", frame_type="x", raw=None),
            raw=line,
        )
        for seq, line in enumerate(ALL[0].splitlines()[:20], len(KINDS_OF_REPORTS) + 1)
    ),
]
FROM_PROXY = [
    proxy.write(a_hello()).encode(),
    proxy.write(proxy.Ack(seq=3)).encode(),
    proxy.write(proxy.AuthRefresh(refresh_token="nr_live_x")).encode(),
    proxy.write(proxy.Load(load=MachineLoad(processors=2, load_1=0.5))).encode(),
    proxy.write_reports(REPORTS),
    proxy.write_reports(REPORTS[: len(KINDS_OF_REPORTS)]),
]
COMMANDS: list[proxy.Command] = [
    proxy.Spawn(agent=AgentId("a"), generation=1, name="A", session=SessionId("s"), cli="demo"),
    proxy.Stop(agent=AgentId("a"), generation=1),
    proxy.Deliver(agent=AgentId("a"), generation=1, message_id=MessageId("m"), text="hi", not_after_ms=1),
    proxy.Interrupt(agent=AgentId("a"), generation=1),
    proxy.Answer(agent=AgentId("a"), generation=1, native_id="0", answer=ApprovalAnswer(verdict=Verdict.ALLOW)),
    proxy.Probe(agent=AgentId("a"), generation=1),
    proxy.RunHook(
        agent=AgentId("a"), generation=1, run="r", hook="h", command="lint ${file}", env=["CI"], values={"file": "x.py"}
    ),
    proxy.RunCommand(
        command="c",
        run="r",
        step="build",
        attempt=1,
        session=SessionId("s"),
        file="f",
        templates=["sh:make {{target}}"],
        template="sh:make {{target}}",
        kind=CommandKind.SHELL,
        text="make {{target}}",
        values={"target": "all"},
    ),
    proxy.StopCommand(command="c", reason="cancelled"),
    proxy.Guards(
        version=1,
        hooks=[
            *read_hooks("hooks: {codex: {on_command: [{id: a, command: [lint, '${file}'], when: {tool: Bash}}]}}").hooks
        ],
    ),
]
FROM_BROKER = [
    *(proxy.write(proxy.NumberedCommand(seq=1, command=command)).encode() for command in COMMANDS),
    proxy.write(proxy.Auth(token="nt_live_x", expires_at_ms=1)).encode(),
    proxy.write(proxy.Ack(seq=3)).encode(),
    b'{"type":"welcome","proxy_id":"p","epoch":"e","reports_seen":1,"session":"s","session_url":"u","broker_version":"0"}',
]


def test_the_machines_and_the_brokers_messages_are_all_here() -> None:
    """So that one that is added is fuzzed, too."""
    assert {type(each) for each in KINDS_OF_REPORTS} == set(get_args(proxy.Report)) - {proxy.FrameRecorded}
    assert {type(each) for each in COMMANDS} == set(get_args(proxy.Command))
    assert {type(proxy.read_from_proxy(each)) for each in FROM_PROXY} == set(get_args(proxy.FromProxy))
    assert {type(proxy.read_from_broker(each)) for each in FROM_BROKER} == set(get_args(proxy.FromBroker))


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
