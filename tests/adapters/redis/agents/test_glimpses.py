"""What is kept of an agent for lists: its task, its tool, its words, what it spent, and whether it is away."""

from __future__ import annotations

from typing import Any

import pytest

from broker.domain.agents.agents import Agent, AgentState
from broker.domain.errors import Conflict, NotPermitted
from broker.protocol.agents.events import AgentBroken
from broker.protocol.proxy import FrameRecorded
from tests.fixtures.desk import Desk

CALL = {"type": "tool_call", "call_id": "1", "tool": "Bash", "input": {"command": "make test"}}


def frame(agent: Agent, *events: dict[str, Any], generation: int | None = None) -> FrameRecorded:
    return FrameRecorded(
        agent=agent.id,
        generation=generation or agent.generation,
        direction="out",
        frame_type="x",
        events=list(events),
        raw={},
    )


async def failed(desk: Desk) -> Agent:
    agent = await desk.idle("Worker")
    await desk.state(agent, AgentBroken(code="PROTOCOL_ERROR", detail="gibberish"))
    return await desk.agent(agent.id)


async def test_a_message_is_an_agents_task_from_when_it_is_handed_over(desk: Desk) -> None:
    agent = await desk.idle("Worker")
    assert agent.task is None
    first, _ = await desk.send("Worker", "build the API\nand test it")
    await desk.send("Worker", "then review it")
    assert (await desk.agent(agent.id)).task == "build the API"
    await desk.turn(agent, first)
    assert (await desk.agent(agent.id)).task == "then review it"


async def test_a_tool_is_shown_while_it_is_used_and_only_in_its_turn(desk: Desk) -> None:
    agent = await desk.idle("Worker")
    message, _ = await desk.send("Worker")
    await desk.report(frame(agent, CALL))
    assert (await desk.agent(agent.id)).doing == "Bash: make test"
    await desk.report(frame(agent, {"type": "tool_result", "call_id": "of another", "ok": True}))
    assert (await desk.agent(agent.id)).doing == "Bash: make test"
    await desk.report(frame(agent, {"type": "tool_result", "call_id": "1", "ok": True}))
    assert (await desk.agent(agent.id)).doing is None
    await desk.report(frame(agent, CALL))
    await desk.turn(agent, message)
    assert (await desk.agent(agent.id)).doing is None


async def test_what_an_agent_said_is_masked_as_its_log_is(desk: Desk) -> None:
    agent = await desk.idle("Worker")
    secret = "sk-ant-api03-" + "a1B2" * 20
    await desk.report(frame(agent, {"type": "text", "text": f"the key is {secret}"}))
    said = (await desk.agent(agent.id)).said or ""
    assert said.startswith("the key is ")
    assert secret not in said


async def test_an_older_process_changes_nothing_of_what_is_shown(desk: Desk) -> None:
    agent = await desk.idle("Worker")
    await desk.exited(agent)
    again = await desk.agent(agent.id)
    assert again.generation == 2
    await desk.report(frame(agent, {"type": "text", "text": "late"}, generation=1))
    assert (await desk.agent(agent.id)).said is None


async def test_what_was_spent_is_unknown_until_it_is_reported(desk: Desk) -> None:
    agent = await desk.idle("Worker")
    assert (agent.tokens, agent.micro_usd) == (None, None)
    await desk.report(frame(agent, {"type": "usage", "input_tokens": 10, "output_tokens": 5}))
    known = await desk.agent(agent.id)
    assert (known.tokens, known.micro_usd) == (15, None)
    total = {"type": "usage", "input_tokens": 100, "output_tokens": 50, "cost_usd": 0.25, "cumulative": True}
    await desk.report(frame(agent, total))
    await desk.report(frame(agent, total))
    known = await desk.agent(agent.id)
    assert (known.tokens, known.micro_usd) == (165, 250_000)


async def test_an_agent_is_away_as_soon_as_its_machine_is(desk: Desk) -> None:
    agent = await desk.idle("Worker")
    assert agent.away_since_ms is None
    await desk.detach()
    away = await desk.agent(agent.id)
    assert away.state is AgentState.IDLE
    assert away.away_since_ms is not None
    await desk.attach()
    assert (await desk.agent(agent.id)).away_since_ms is None


async def test_one_that_was_released_needs_no_look_and_one_that_runs_is_not_dismissed(desk: Desk) -> None:
    agent = await desk.idle("Worker")
    with pytest.raises(Conflict) as runs:
        await desk.adapters.mailroom.dismiss(desk.workspace, agent.id, by="Ann")
    assert runs.value.code == "AGENT_RUNS"
    await desk.adapters.mailroom.release(desk.workspace, agent.id, by="Ann")
    await desk.exited(agent, expected=True)
    assert not (await desk.agent(agent.id)).needs_a_look


async def test_dismissing_is_told_once_and_over_when_the_agent_is_brought_back(desk: Desk) -> None:
    agent = await failed(desk)
    assert agent.needs_a_look
    for _ in range(2):
        await desk.adapters.mailroom.dismiss(desk.workspace, agent.id, by="Ann")
    assert not (await desk.agent(agent.id)).needs_a_look
    assert [each["data"] for each in await desk.events("agent.dismissed")] == [{"by": "Ann"}]
    await desk.adapters.mailroom.resume(desk.workspace, desk.session.id, agent.id, by="Ann", plan=desk.plan)
    assert not (await desk.agent(agent.id)).dismissed


async def test_an_agent_dismisses_only_what_it_spawned(desk: Desk) -> None:
    other = await desk.idle("Other")
    agent = await failed(desk)
    with pytest.raises(NotPermitted):
        await desk.adapters.mailroom.dismiss(desk.workspace, agent.id, by="Other", actor=other.id)
