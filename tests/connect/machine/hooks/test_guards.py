"""Hooks that agents wait for, on relay-connect as it is started: prompts and requests of a real process."""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from broker.domain.approvals.answers import ApprovalAnswer, Verdict
from broker.domain.hooks.definitions import CommandAction, Hook, Scope, Selector, When
from broker.domain.hooks.events import HookEvent
from broker.domain.hooks.runs import RunState
from broker.domain.ids import AgentId, MessageId, SessionId
from broker.protocol.agents.events import ApprovalRequested, HookOpinion, PromptRefused, TurnEnded
from broker.protocol.proxy import Answer, Deliver, Guards, HookRan, Interrupt, Spawn, StateChanged
from connect.machine.hooks.consent_file import ConsentFile, to_toml
from connect.machine.hooks.consents import Consent, Consents
from connect.machine.hooks.programs import digests_of
from connect.policy.folders import real_folder
from tests.connect.program import environment_for, relay_connect
from tests.connect.scripted_broker import PERSON, ScriptedBroker, scripted_broker

AGENT = AgentId("a1")
SPAWN = Spawn(
    agent=AGENT,
    generation=1,
    name="Worker",
    session=SessionId("s1"),
    session_name="main",
    cli="scripted",
    asked_by=PERSON,
)


@pytest.fixture
async def broker() -> AsyncGenerator[ScriptedBroker]:
    async with scripted_broker() as broker:
        yield broker


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return real_folder(tmp_path)


def guard(folder: Path, code: str, *, hook: str = "guard") -> tuple[str, ...]:
    """A program in a folder of its own, where no agent works; it keeps what it was given on standard input."""
    programs = folder / "programs"
    programs.mkdir(exist_ok=True)
    path = programs / hook
    path.write_text(
        f"#!{sys.executable}\nimport json, os, sys, time\nevent = json.load(sys.stdin)\n"
        f"open({str(folder / hook)!r}, 'a').write(json.dumps(event) + '\\n')\n{code}\n"
    )
    path.chmod(0o755)
    return (str(path),)


def hook(event: HookEvent, command: Sequence[str], *, timeout_s: float = 5, **given: Any) -> Hook:
    action = CommandAction(command=tuple(command), timeout_s=timeout_s)
    return Hook(**{"id": "guard", "event": event, "selector": Selector(Scope.ANY), "action": action, **given})


def deliver(text: str, *, message: str = "m1") -> Deliver:
    return Deliver(agent=AGENT, generation=1, message_id=MessageId(message), text=text)


def asked(folder: Path, hook: str = "guard") -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / hook).read_text().splitlines()]


async def said(broker: ScriptedBroker, kind: type[Any], count: int = 1) -> Any:
    """The last of so many changes of the agent's state of one kind."""

    def found() -> list[Any]:
        return [each.event for each in broker.of(StateChanged) if isinstance(each.event, kind)]

    await broker.until(lambda: len(found()) >= count, seconds=30)
    return found()[count - 1]


async def ended(broker: ScriptedBroker, count: int = 1) -> HookRan:
    def found() -> list[HookRan]:
        return [each for each in broker.of(HookRan) if each.state is not RunState.STARTED]

    await broker.until(lambda: len(found()) >= count, seconds=30)
    return found()[count - 1]


def allow(folder: Path, *hooks: Hook) -> None:
    """The owner has allowed these, before relay-connect is started."""
    consents = Consents()
    for each in hooks:
        action = each.action
        assert isinstance(action, CommandAction)
        program = Path(action.command[0])
        consent = Consent(
            id=each.id,
            fingerprint=action.fingerprint,
            words=tuple(action.command),
            program=program,
            roots=(real_folder(Path.cwd()),),
            timeout_s=action.timeout_s,
            files=digests_of([program]),
        )
        consents = consents.with_consent(consent)
    state = folder / "state"
    state.mkdir(mode=0o700, exist_ok=True)
    ConsentFile(folder, state=state).put(to_toml(consents))


@asynccontextmanager
async def at_work(broker: ScriptedBroker, folder: Path, *hooks: Hook, allowed: bool = True) -> AsyncGenerator[None]:
    """An agent that hooks are asked about."""
    if allowed:
        allow(folder, *hooks)
    async with relay_connect(environment_for(broker, folder)):
        await broker.command(Guards(version=1, hooks=list(hooks)))
        await broker.command(SPAWN)
        yield


def says(decision: str, **given: Any) -> str:
    return f"print(json.dumps({{'decision': {decision!r}, **{given!r}}}))"


async def test_a_prompt_passes_a_hook_that_nobody_has_allowed_and_that_is_said(
    broker: ScriptedBroker, folder: Path
) -> None:
    refusing = hook(HookEvent.BEFORE_TURN, guard(folder, says("deny")))
    async with at_work(broker, folder, refusing, allowed=False):
        await broker.command(deliver("say more"))
        assert (await said(broker, TurnEnded)).text == "more"
        ran = await ended(broker)
    assert (ran.state, ran.on, ran.hook) == (RunState.REFUSED, HookEvent.BEFORE_TURN, "guard")
    assert "relay-connect hooks allow guard" in ran.reason
    assert any("it goes on all the same" in str(frame.events) for frame in broker.frames())


async def test_a_prompt_is_changed_before_the_agent_has_it(broker: ScriptedBroker, folder: Path) -> None:
    changing = hook(HookEvent.BEFORE_TURN, guard(folder, says("modify", input={"prompt": "say less"})))
    async with at_work(broker, folder, changing):
        await broker.command(deliver("say more"))
        assert (await said(broker, TurnEnded)).text == "less"
    (event,) = asked(folder)
    assert (event["type"], event["agent"]["name"], event["session"]["name"]) == ("before_turn", "Worker", "main")
    assert event["data"] == {"prompt": "say more", "message_id": "m1", "steer": False}


async def test_a_refused_prompt_is_told_to_its_sender_and_later_ones_keep_their_order(
    broker: ScriptedBroker, folder: Path
) -> None:
    refusing_code = "if 'no' in event['data']['prompt']:\n    print('not today', file=sys.stderr); sys.exit(2)"
    refusing = hook(HookEvent.BEFORE_TURN, guard(folder, refusing_code))
    async with at_work(broker, folder, refusing):
        await broker.command(deliver("say no", message="m1"))
        await broker.command(deliver("say yes", message="m2"))
        refused = await said(broker, PromptRefused)
        assert (await said(broker, TurnEnded)).text == "yes"
    assert (refused.message_id, refused.reason) == ("m1", "hook guard: not today")
    assert [event["data"]["message_id"] for event in asked(folder)] == ["m1", "m2"]


async def test_what_is_interrupted_while_its_hook_runs_never_reaches_the_agent(
    broker: ScriptedBroker, folder: Path
) -> None:
    slow = hook(HookEvent.BEFORE_TURN, guard(folder, "if 'stop' in event['data']['prompt']: time.sleep(60)"))
    async with at_work(broker, folder, slow):
        await broker.command(deliver("say stop"))
        await broker.report(HookRan, lambda each: each.state is RunState.STARTED)
        await broker.command(Interrupt(agent=AGENT, generation=1))
        assert "interrupted" in (await said(broker, PromptRefused)).reason
        await broker.command(deliver("say on", message="m2"))
        assert (await said(broker, TurnEnded)).text == "on"


@pytest.mark.parametrize(
    ("code", "opinion"),
    [
        ("", None),
        (says("ask", reason="look at it"), ("ask", "look at it")),
        ("sys.exit(1)", ("deny", "the hook failed: exit code 1")),
        (says("modify", input={"command": "ls"}), ("deny", "does not say `modifies: true`")),
    ],
    ids=["silent", "ask", "exit-1", "undeclared-modify"],
)
async def test_a_request_for_permission_goes_to_the_broker_with_what_the_hook_said(
    broker: ScriptedBroker, folder: Path, code: str, opinion: tuple[str, str] | None
) -> None:
    async with at_work(broker, folder, hook(HookEvent.BEFORE_TOOL, guard(folder, code))):
        await broker.command(deliver("ask"))
        request = await said(broker, ApprovalRequested)
        assert [each.hook for each in request.hooks] == (["guard"] if opinion else [])
        if opinion:
            assert request.hooks[0].says == opinion[0]
            assert opinion[1] in request.hooks[0].why
        answer = ApprovalAnswer(verdict=Verdict.DENY, option_id="reject")
        await broker.command(Answer(agent=AGENT, generation=1, native_id=request.native_id, answer=answer))
        await said(broker, TurnEnded)
    (event,) = asked(folder)
    assert event["data"]["tool"] == request.tool


async def test_a_tool_is_refused_when_its_hook_takes_too_long_even_if_that_ignores_term(
    broker: ScriptedBroker, folder: Path
) -> None:
    code = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(60)"
    async with at_work(broker, folder, hook(HookEvent.BEFORE_TOOL, guard(folder, code), timeout_s=0.5)):
        await broker.command(deliver("ask"))
        request = await said(broker, ApprovalRequested)
    assert [(each.says, each.why) for each in request.hooks] == [("deny", "the hook failed: it took longer than 0.5 s")]


async def test_all_hooks_are_asked_at_once_and_only_those_that_are_meant(broker: ScriptedBroker, folder: Path) -> None:
    meant = [
        hook(HookEvent.BEFORE_TOOL, guard(folder, says("allow"), hook="a"), id="a", may_allow=True),
        hook(HookEvent.BEFORE_TOOL, guard(folder, says("ask", reason="hm"), hook="b"), id="b"),
    ]
    other = Selector(Scope.AGENT, "Lead")
    not_meant = [
        hook(HookEvent.BEFORE_TOOL, guard(folder, says("deny"), hook="c"), id="c", selector=other),
        hook(HookEvent.BEFORE_TOOL, guard(folder, says("deny"), hook="d"), id="d", when=When(tool=("WebFetch",))),
        hook(HookEvent.BEFORE_TOOL, guard(folder, says("deny"), hook="e"), id="e", enabled=False),
    ]
    async with at_work(broker, folder, *meant, *not_meant):
        await broker.command(deliver("ask"))
        request = await said(broker, ApprovalRequested)
    assert request.hooks == (HookOpinion(hook="a", says="allow"), HookOpinion(hook="b", says="ask", why="hm"))


async def test_hooks_that_hold_no_more_are_not_asked(broker: ScriptedBroker, folder: Path) -> None:
    async with at_work(broker, folder, hook(HookEvent.BEFORE_TOOL, guard(folder, says("deny")))):
        await broker.command(Guards(version=2))
        await broker.command(deliver("ask"))
        assert (await said(broker, ApprovalRequested)).hooks == ()


@pytest.mark.skipif(not hasattr(os, "pidfd_open"), reason="what is left over is found through /proc, on Linux only")
async def test_a_guard_that_a_kill_has_cut_off_is_told_of_once_relay_connect_is_back(
    broker: ScriptedBroker, folder: Path
) -> None:
    environment = environment_for(broker, folder)
    slow = hook(HookEvent.BEFORE_TOOL, guard(folder, "time.sleep(600)"), timeout_s=60)
    allow(folder, slow)
    async with relay_connect(environment) as process:
        await broker.command(Guards(version=1, hooks=[slow]))
        await broker.command(SPAWN)
        await broker.command(deliver("ask"))
        await broker.report(HookRan, lambda each: each.state is RunState.STARTED)
        os.kill(process.pid, signal.SIGKILL)
        await process.wait()
    async with relay_connect(environment):
        cut_off = await broker.report(HookRan, lambda each: each.state is RunState.INTERRUPTED)
    assert (cut_off.hook, cut_off.on) == ("guard", HookEvent.BEFORE_TOOL)
    assert not [each for each in broker.of(StateChanged) if isinstance(each.event, ApprovalRequested)]
