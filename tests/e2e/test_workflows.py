"""Workflows as people run them: a file, a broker, a machine with demo agents, and the command that shows the end."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from connect.sdk.relay import AgentRelay
from connect.sdk.types import Event
from connect.sdk.workflow import workflow
from tests.fixtures.person import person_at
from tests.fixtures.processes import START_S, Running, environment, key_of, linked_environment, machine, told, until, up

LIVES_S = 2 * START_S
FILES = Path(__file__).parents[1] / "fixtures" / "workflows"


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A broker, and a shell that speaks to it."""

    broker: Running
    folder: Path

    async def relaycast(self, *arguments: str) -> tuple[int, str]:
        """A command's exit code, and what it prints."""
        env = linked_environment(self.broker, self.folder)
        return await told("broker.cli", "workflow", *arguments, folder=self.folder, env=env, seconds=LIVES_S)

    async def shown(self, *arguments: str) -> Any:
        """The JSON document that a command prints."""
        _, out = await self.relaycast(*arguments, "--json")
        return json.loads(out)

    async def allow(self, file: str) -> None:
        """At the machine, its owner allows the file's commands."""
        argv = [sys.executable, "-m", "connect.cli", "--state-dir", str(self.folder / "machine")]
        async with person_at(
            [*argv, "workflow", "allow", file], env=environment(self.folder), cwd=self.folder, seconds=LIVES_S
        ) as owner:
            await owner.sees("Allow exactly this?")
            owner.types("y\r")
            await owner.sees("may run here")

    def file(self, text: str) -> str:
        """A file that has that."""
        path = self.folder / "relay.yaml"
        path.write_text(text)
        return str(path)


def a_file(steps: Sequence[str], *, agents: Sequence[str] = ("A",), more: str = "", swarm: str = "") -> str:
    """A workflow of steps that are given as flow mappings; its agents are demo agents that work without talking."""
    listed = "\n".join(f"  - {{ name: {each}, cli: demo, preset: worker }}" for each in agents)
    written = "\n".join(f"      - {{ {each} }}" for each in steps)
    return (
        f'version: "1.0"\nname: t\nswarm: {{ pattern: dag{swarm} }}\nagents:\n{listed}\n'
        f"workflows:\n  - name: t\n    steps:\n{written}\n{more}"
    )


@pytest.fixture
async def place(tmp_path: Path) -> AsyncIterator[Place]:
    async with AsyncExitStack() as stack:
        broker = await stack.enter_async_context(up(tmp_path))
        await stack.enter_async_context(machine(tmp_path, broker.url, Path(broker.ready["token_file"])))
        yield Place(broker=broker, folder=tmp_path)


async def test_a_workflow_of_one_agent_is_run_to_its_end_and_says_what_came_of_it(place: Place) -> None:
    file = place.file(a_file(['name: hello, agent: A, task: "say hello to {{ whom }}"'], more="vars: { whom: you }\n"))
    status, said = await place.relaycast("run", file, "--var", "whom=everybody")
    assert status == 0, said
    assert "✓ hello (A): completed" in said
    (run,) = (await place.shown("list"))["runs"]
    assert (run["state"], run["vars"]) == ("completed", {"whom": "everybody"})
    assert "hello to everybody" in (await place.relaycast("logs", run["id"]))[1]


async def test_a_step_that_waits_to_be_called_goes_on_with_what_its_address_was_sent(place: Place) -> None:
    say = 'name: say, agent: A, task: "say {{steps.built.output}}", dependsOn: [built]'
    file = place.file(a_file(["name: built, waitFor: { webhook: true }", say]))
    run = (await place.shown("run", file, "--detach"))["id"]
    lines = [each.split() for each in (await place.relaycast("show", run))[1].splitlines()]
    (address,) = [words[1] for words in lines if words[0] == "POST"]
    async with httpx.AsyncClient() as client:
        assert (await client.post(address, content=b"version 7 is built")).status_code == 200
    async with asyncio.timeout(LIVES_S):
        while (await place.shown("show", run))["state"] == "running":
            await asyncio.sleep(0.2)
    assert "version 7 is built" in (await place.relaycast("logs", run, "--step", "say"))[1]


async def test_commands_wait_for_their_machines_owner_and_then_feed_each_other(place: Place) -> None:
    file = place.file((FILES / "hello.yaml").read_text())
    status, said = await place.relaycast("run", file)
    assert status == 75, said
    assert "relay-connect workflow" in said
    (run,) = (await place.shown("list"))["runs"]
    assert run["state"] == "needs_human"

    await place.allow(file)
    status, said = await place.relaycast("retry", run["id"], "greet")
    assert status == 0, said
    output = (await place.relaycast("logs", run["id"], "--step", "shout"))[1]
    assert output == "GOOD MORNING\nMARK=OK\n"


MAP_REDUCE = """\
version: "1.0"
name: changelog
swarm: { pattern: map-reduce, maxConcurrency: 2 }
agents:
  - { name: front, cli: demo, preset: worker, role: mapper }
  - { name: back, cli: demo, preset: worker, role: mapper }
  - { name: writer, cli: demo, preset: worker, role: reducer }
workflows:
  - name: changelog
    steps:
      - { name: read-front, agent: front, task: say a new page }
      - { name: read-back, agent: back, task: say a new route }
      - name: write
        agent: writer
        task: "say {{steps.read-front.output | trim}}, {{steps.read-back.output | trim}}"
        dependsOn: [read-front, read-back]
        verification: { type: output_contains, value: "a new page, a new route" }
coordination:
  barriers: [{ name: all-read, waitFor: [read-front, read-back] }]
"""
REVIEW_LOOP = """\
version: "1.0"
name: review-loop
swarm: { pattern: review-loop }
agents:
  - { name: builder, cli: demo, role: implementer }
  - { name: reader, cli: demo, role: reviewer, preset: reviewer }
workflows:
  - name: build
    steps:
      - { name: implement, agent: builder, task: "call relay_step {}" }
      - name: review
        agent: reader
        dependsOn: [implement]
        task: "call relay_step {}"
        verification: { type: regex, value: '"round": ?2' }
        maxIterations: 2
        repeatFrom: implement
"""
COMPETITION = """\
version: "1.0"
name: competition
swarm: { pattern: competitive }
agents:
  - { name: A, cli: demo, preset: worker }
  - { name: B, cli: demo, preset: worker }
  - { name: C, cli: demo, preset: worker }
  - { name: judge, cli: demo, preset: reviewer, role: judge }
workflows:
  - name: competition
    steps:
      - { name: build-a, agent: A, task: say a }
      - { name: build-b, agent: B, task: say b }
      - { name: build-c, agent: C, task: say c }
      - name: pick
        agent: judge
        task: 'call relay_submit {"result": {"choice": "b", "of": 3}}'
        dependsOn: [build-a, build-b, build-c]
        verification: { type: json_schema, schema: { type: object, required: [choice] } }
"""
HUB_SPOKE = """\
version: "1.0"
name: team
swarm: { pattern: hub-spoke }
agents:
  - { name: Lead, cli: demo, role: lead }
  - { name: Backend, cli: demo, role: engineer }
  - { name: Frontend, cli: demo, role: engineer }
workflows:
  - name: team
    steps:
      - { name: plan, agent: Lead, task: say I lead }
      - name: api
        agent: Backend
        task: >-
          call relay_send {"to": "Lead", "text": "call relay_send
          {\\"to\\": \\"Backend\\", \\"text\\": \\"say the api is done\\"}"}
      - { name: page, agent: Frontend, task: 'call relay_send {"to": "Backend", "text": "say hi"}' }
"""
SAGA = """\
version: "1.0"
name: release
swarm: { pattern: saga }
workflows:
  - name: release
    steps:
      - { name: tag, type: deterministic, command: echo tag >> did }
      - { name: publish, type: deterministic, command: echo publish >> did }
      - { name: announce, type: deterministic, command: "echo announce >> did; exit 3" }
      - { name: untag, type: deterministic, command: echo untag >> did, compensates: tag }
      - { name: unpublish, type: deterministic, command: echo unpublish >> did, compensates: publish }
"""


async def ran(place: Place, text: str, *, status: int = 0) -> dict[str, Any]:
    """A run of that file, once it has ended so, with its steps' outputs."""
    code, said = await place.relaycast("run", place.file(text))
    assert code == status, said
    run = (await place.shown("list"))["runs"][0]
    shown: dict[str, Any] = await place.shown("show", run["id"])
    shown["said"] = (await place.relaycast("logs", run["id"]))[1]
    return shown


async def test_agents_map_compete_and_review_each_in_the_order_of_their_pattern(place: Place) -> None:
    mapped = await ran(place, MAP_REDUCE)
    assert "a new page, a new route" in mapped["said"]
    competed = await ran(place, COMPETITION)
    assert '{"choice":"b","of":3}' in competed["said"]
    reviewed = await ran(place, REVIEW_LOOP)
    assert {each["name"]: (each["round"], len(each["attempts"])) for each in reviewed["steps"]} == {
        "implement": (1, 2),
        "review": (2, 2),
    }


async def test_those_who_talk_in_a_team_end_together_and_only_along_the_patterns_edges(place: Place) -> None:
    team = await ran(place, HUB_SPOKE)
    assert "the api is done" in team["said"]
    assert "Frontend may not talk to Backend; it may talk to Lead" in team["said"]


async def test_a_saga_that_fails_undoes_what_it_has_done_the_newest_first(place: Place) -> None:
    await place.allow(place.file(SAGA))
    run = await ran(place, SAGA, status=1)
    assert run["state"] == "failed"
    assert (place.folder / "did").read_text().split() == ["tag", "publish", "announce", "unpublish", "untag"]
    assert {each["name"]: each["state"] for each in run["steps"]} == {
        "tag": "completed",
        "publish": "completed",
        "announce": "failed",
        "untag": "completed",
        "unpublish": "completed",
    }


READY = """\
version: "1.0"
name: ready
swarm: { pattern: dag }
vars: { who: nobody }
workflows:
  - name: ready
    preflight: [{ command: cat ready, failIf: "^not" }]
    steps:
      - { name: build, type: deterministic, command: "echo built >> did; echo it" }
      - name: ship
        type: subworkflow
        workflow: ship
        dependsOn: [build]
        vars: { who: "{{steps.build.output | trim}}" }
  - name: ship
    steps:
      - { name: send, type: deterministic, command: "echo sent {{who}} | tee -a did" }
"""


async def test_preflight_stands_before_all_and_what_a_run_had_done_is_kept_by_those_that_go_on(place: Place) -> None:
    file = place.file(READY)
    await place.allow(file)
    (place.folder / "ready").write_text("not yet\n")
    failed = await ran(place, READY, status=1)
    assert failed["reason"] == "preflight 1: its output matches ^not"
    (place.folder / "ready").write_text("yes\n")
    status, said = await place.relaycast("resume", failed["id"])
    assert status == 0, said
    assert (place.folder / "did").read_text() == "built\nsent it\n"
    assert (await place.relaycast("logs", failed["id"], "--step", "ship"))[1] == "sent it\n"

    corrected = place.file(READY.replace("sent {{who}}", "sent all of {{who}}"))
    await place.allow(corrected)
    status, said = await place.relaycast("rerun", failed["id"], "--with", corrected)
    assert status == 0, said
    assert "  kept   build" in said.splitlines()
    assert "  again  ship  changed" in said.splitlines()
    assert (place.folder / "did").read_text() == "built\nsent it\nsent all of it\n"
    run = (await place.shown("list"))["runs"][0]["id"]
    assert "same output" in (await place.relaycast("compare", failed["id"], run))[1]


async def test_a_run_that_is_cancelled_stops_its_agents_and_says_so(place: Place) -> None:
    file = place.file(a_file(["name: long, agent: A, task: sleep 600", "name: after, agent: A, dependsOn: [long]"]))
    file = place.file(Path(file).read_text().replace("dependsOn: [long] }", "task: say never, dependsOn: [long] }"))
    _, run = await place.relaycast("run", file, "--detach")
    run = run.strip()
    session = (await place.shown("show", run))["session"]
    async with asyncio.timeout(LIVES_S), AgentRelay(place.broker.url, key_of(place.broker), session) as relay:
        while not any(each.state == "working" for each in await relay.agents()):
            await asyncio.sleep(0.05)
    status, said = await place.relaycast("cancel", run)
    assert status == 1, said
    assert "cancelled" in said
    shown = await place.shown("show", run)
    assert {each["name"]: each["state"] for each in shown["steps"]} == {"long": "failed", "after": "skipped"}


async def test_a_workflow_written_in_python_is_run_and_gives_a_typed_result(place: Place) -> None:
    told: list[str] = []
    wf = (
        workflow("build-feature")
        .vars(what="the api")
        .agent("Backend", cli="demo", preset="worker")
        .agent("Frontend", {"cli": "demo", "preset": "worker"})
        .step("implement", agent="Backend", task="say built {{what}}")
        .step("show", agent="Frontend", task="say shown {{steps.implement.output | trim}}", depends_on=["implement"])
    )
    async with asyncio.timeout(LIVES_S), AgentRelay(place.broker.url, key_of(place.broker)) as relay:
        result = await wf.run(relay=relay, vars={"what": "it"}, on_event=lambda event: told.append(event.kind))
    assert (result.ok, result.state, result.steps["show"].output) == (True, "completed", "shown built it")
    assert (told[0], told[-1]) == ("workflow.started", "workflow.ended")


def of_kind(kind: str) -> Callable[[Event], bool]:
    return lambda event: event.kind == kind


async def test_a_broker_that_is_killed_again_and_again_ends_the_run_and_does_no_step_twice(tmp_path: Path) -> None:
    steps = [f"name: s{n}, agent: A, task: sleep 0.2, dependsOn: [{f's{n - 1}' if n else ''}]" for n in range(4)]
    async with AsyncExitStack() as stack:
        broker = await stack.enter_async_context(up(tmp_path))
        port = broker.url.rpartition(":")[2]
        await stack.enter_async_context(machine(tmp_path, broker.url, Path(broker.ready["token_file"])))
        place = Place(broker=broker, folder=tmp_path)
        run = (await place.relaycast("run", place.file(a_file(steps)), "--detach"))[1].strip()
        session, after = (await place.shown("show", run))["session"], "0"
        for kind in ("agent.spawning", "turn.started", "turn.ended"):
            async with AgentRelay(broker.url, key_of(broker), session) as relay:
                seen = await until(relay, of_kind(kind), after=after)
                after = str(seen.cursor)
            await broker.kill()
            broker = await stack.enter_async_context(up(tmp_path, "--port", port))
        place = Place(broker=broker, folder=tmp_path)
        async with asyncio.timeout(2 * LIVES_S):
            while (shown := await place.shown("show", run))["state"] == "running":
                await asyncio.sleep(0.5)
        assert {each["name"]: (each["state"], len(each["attempts"])) for each in shown["steps"]} == {
            f"s{n}": ("completed", 1) for n in range(4)
        }
        async with AgentRelay(broker.url, key_of(broker), session) as relay:
            agents = await relay.agents()
        assert (len(agents), {each.state for each in agents}) == (4, {"released"})


KEPT_TO_FILES = """\
version: "1.0"
name: kept
swarm: { pattern: dag }
agents: [{ name: A, cli: demo, preset: worker, permissions: { files: { write: ["out/**"] } } }]
workflows:
  - name: kept
    steps:
      - { name: outside, agent: A, task: "ask permission: edit src/a.py: x => y" }
      - { name: beside, agent: A, task: "ask permission: edit out/../src/a.py: x => y" }
      - { name: command, agent: A, task: "ask permission: touch out/a" }
      - { name: inside, agent: A, task: "ask permission: edit out/a.md: x => y" }
"""


async def test_an_agent_that_is_kept_to_files_is_refused_others_and_allows_none_by_that(place: Place) -> None:
    """A rule that allows everything widens nothing; without it, what lies within is asked as ever."""
    file = place.file(KEPT_TO_FILES)
    allow = {"rules": [{"effect": "allow", "tool": "*"}]}
    async with AgentRelay(place.broker.url, key_of(place.broker)) as relay:
        await relay.request("PUT", "/v1/rules", body=allow)
        status, said = await place.relaycast("run", file)
        assert status == 0, said
        (run,) = (await place.shown("list"))["runs"]
        for step, word in (("outside", "must not"), ("beside", "must not"), ("command", "must not"), ("inside", "may")):
            assert f"I {word} run: " in (await place.relaycast("logs", run["id"], "--step", step))[1], step
        await relay.request("PUT", "/v1/rules", body={"rules": []})
        again = await place.shown("run", file, "--detach")
        pending = f"/v1/sessions/{again['session']}/approvals?status=pending"
        async with asyncio.timeout(LIVES_S):
            while not (waiting := (await relay.request("GET", pending))["approvals"]):
                await asyncio.sleep(0.2)
        assert [each["title"] for each in waiting] == ["Editing out/a.md"]
