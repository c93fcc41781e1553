"""What hooks cost: matching an event against many definitions, and from an event to the program that it starts."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Sequence
from pathlib import Path

import httpx

from broker.domain.hooks.definitions import CommandAction, Hook
from broker.domain.hooks.happenings import happenings
from broker.domain.hooks.matching import About, HookIndex
from broker.protocol.hooks_yaml.reader import read_hooks
from connect.machine.hooks.consent_file import ConsentFile, to_toml
from connect.machine.hooks.consents import Consent, Consents
from connect.machine.hooks.inline_code import as_written
from connect.machine.hooks.programs import digests_of
from connect.sdk import AgentRelay
from tests.bench.figures import Section, p50, p99
from tests.bench.growth import spawn_agents
from tests.bench.stage import Broker, discard_output, running_relay_connect

_EVENT = {"type": "command", "command": "make -C build", "exit_code": 2, "tool": "Bash", "output": "no rule " * 20}
_ABOUT = About(kind="codex", session="main", labels=frozenset({"box"}))
_ANSWER_S = 60
_MATCHED = (
    "Pure Python, in one process: one `agent.frame` event of a failed command is taken apart and matched against the "
    "workspace's definitions, of which one waits for it and the others for other agents, programs and events."
)
_STARTED = (
    "Real processes: broker, relay-connect, one agent. The agent ends a turn; a hook's command (`/bin/sh`, which notes "
    "the time) is started on its machine. From the time that the log has for the end of the turn (whole "
    "milliseconds) until the program runs. Beside it the start of the same program by asyncio alone."
)


def measure_matching(*, counts: Sequence[int], events: int) -> Section:
    head = ("definitions", "µs per event", "events/s", "matched")
    section = Section(title="Hooks: matching", explained=_MATCHED, head=head)
    event = {"epoch": "e", "offset": 5, "at_ms": 1, "kind": "agent.frame", "agent": "a1", "name": "Worker-1"}
    event["data"] = {"events": [_EVENT]}
    for count in counts:
        index = HookIndex(_definitions(count))
        matched = 0
        began = time.perf_counter()
        for _ in range(events):
            for happening in happenings(event):
                matched += sum(1 for _ in index.match(happening, _ABOUT, files=()))
        took = time.perf_counter() - began
        section.rows.append((count, took / events * 1e6, round(events / took), matched // events))
    return section


def _definitions(count: int) -> tuple[Hook, ...]:
    others = [f'  "agent:Other-{number}":\n    on_command_failed: echo {number}' for number in range(count - 1)]
    wanted = ["  codex:\n    on_command_failed: echo failed"] if count else []
    read = read_hooks("\n".join(["hooks:", *wanted, *others]) if count else "hooks: {}")
    assert not read.problems, read.problems
    return read.hooks


async def measure_hooks(broker: Broker, *, definitions: Sequence[int], turns: int) -> Section:
    head = (
        "definitions",
        "turn ended → program runs p50 ms",
        "p99 ms",
        "process start alone p50 ms",
        "p50 above it ms",
    )
    section = Section(title="Hooks: from an event to its program", explained=_STARTED, head=head)
    program, log = broker.folder / "hooked" / "stamp", broker.folder / "hooked" / "stamps"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\nprintf "%s\\n" "$(date +%s%N)" >> {log}\n')
    program.chmod(0o755)
    _allow(broker, program)
    async with running_relay_connect(broker, "hooks") as proxy, broker.relay() as relay:
        draining = asyncio.create_task(discard_output(proxy))
        await spawn_agents(relay, ["Hooked"], on="hooks")
        alone = [await _start_alone(program, log) for _ in range(turns)]
        for count in definitions:
            await _apply(broker, _text(program, others=count - 1))
            took = [await _turn(relay, log) for _ in range(turns)]
            bare = p50(alone)
            section.rows.append((count, p50(took), p99(took), bare, p50(took) - bare))
        await _apply(broker, "hooks: {}\n")
        draining.cancel()
    return section


def _text(program: Path, *, others: int) -> str:
    more = "".join(f'  "agent:Other-{number}":\n    on_turn_complete: {program}\n' for number in range(others))
    hook = f"{{id: stamp, command: {program}, max_per_minute: 600}}"
    return f'hooks:\n  "agent:Hooked":\n    on_turn_complete: {hook}\n{more}'


def _allow(broker: Broker, program: Path) -> None:
    """The machine's owner has allowed it, before the machine is linked."""
    (hook,) = read_hooks(_text(program, others=0)).hooks
    assert isinstance(hook.action, CommandAction)
    consent = Consent(
        id=hook.id,
        fingerprint=hook.action.fingerprint,
        words=as_written(hook.action.words),
        program=program,
        roots=(Path(os.path.realpath(broker.folder)),),
        timeout_s=hook.action.timeout_s,
        files=digests_of([program]),
    )
    config, state = broker.folder / "config-hooks", broker.folder / "state-hooks"
    for folder in (config, state):
        folder.mkdir(mode=0o700, exist_ok=True)
    ConsentFile(config, state=state).put(to_toml(Consents().with_consent(consent)))


async def _apply(broker: Broker, text: str) -> None:
    headers = {"Authorization": f"Bearer {broker.key}"}
    async with httpx.AsyncClient(base_url=broker.url, headers=headers, trust_env=False) as http:
        (await http.put("/v1/hooks", json={"text": text})).raise_for_status()


async def _turn(relay: AgentRelay, log: Path) -> float:
    """Milliseconds from the end of a turn to the program."""
    before = _stamps(log)
    sent = await relay.send("Hooked", "a turn")
    await relay.wait_for(sent.message_id)
    async with asyncio.timeout(_ANSWER_S):
        while len(after := _stamps(log)) == len(before):
            await asyncio.sleep(0.001)
    events = await relay.recent(limit=50)
    ended = [event.at_ms for event in events if event.kind == "turn.ended"][-1]
    return after[-1] / 1e6 - ended


async def _start_alone(program: Path, log: Path) -> float:
    began = time.time_ns()
    process = await asyncio.create_subprocess_exec(str(program))
    await process.wait()
    return (_stamps(log)[-1] - began) / 1e6


def _stamps(log: Path) -> list[int]:
    return [int(line) for line in log.read_text().split()] if log.exists() else []
