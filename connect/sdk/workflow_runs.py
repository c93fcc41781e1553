"""Runs of workflows: started, watched while they go on, and what came of them, typed.

    result = await workflow("build").agent("A", cli="codex").step("do", agent="A", task="Build it").run()
    print(result.ok, result.steps["do"].output)

A run goes on at the broker whatever becomes of the program that started it: `find_run` finds it again by its id.
What only people can bring on is waited for, and told to `on_need`; with `waits_for_people=False` it is given back in
`RunResult.waiting_for`, as soon as nothing else goes on:

    result = await run.wait(waits_for_people=False)
    for need in result.waiting_for:
        print(need.step, need.asks, need.url)
    await relay.answer(result.waiting_for[0].approval_id, Verdict.ALLOW)
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import AsyncExitStack, aclosing, suppress
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

from broker.domain.ids import ApprovalId
from broker.domain.needs.needs import NeedKind
from broker.domain.workflows.runs.journal import RunState
from broker.domain.workflows.runs.steps import StepState
from connect.sdk.relay import AgentRelay
from connect.sdk.types import Event, Wire

_GOOD = frozenset({RunState.COMPLETED, RunState.COMPLETED_EARLY})
_FIRST_LOOK_S, _LONGEST_LOOK_S = 0.1, 1.0
"""Between two looks at a run: short ones end at once, and long ones cost the broker little."""
OnEvent = Callable[[Event], object]


@dataclass(frozen=True, slots=True, kw_only=True)
class StepResult:
    """What came of a step."""

    name: str
    state: StepState
    output: str
    """What it has said in its newest attempt that has ended."""
    reason: str
    """Why it stands so."""
    attempts: int
    choice: str | None = None
    """Of a voter."""


class RunNeed(Wire):
    """One thing that a step of a run waits for and only people can give."""

    kind: NeedKind | str
    """`gate`, `approval`, `question`; `run`: the step is another workflow, a step of which has to be decided about. A
    newer broker may have others."""
    run: str
    """The run itself, or one that it has called."""
    step: str
    agent: str | None = None
    """Who asks, where an agent does."""
    asks: str
    """The question, in words."""
    subject: str
    """What it is about: an approval, a question or a run."""
    commands: tuple[str, ...] = ()
    """How it is answered from a shell."""
    url: str
    """Where people answer it."""

    @property
    def approval_id(self) -> ApprovalId | None:
        """For `AgentRelay.answer` and `answer_question`; None where a step of another run has to be decided about."""
        return None if self.kind == NeedKind.RUN else ApprovalId(self.subject)


OnNeed = Callable[[RunNeed], object]


@dataclass(frozen=True, slots=True, kw_only=True)
class RunResult:
    """How a run ended, or where it rests until a person decides."""

    id: str
    state: RunState
    reason: str
    held: str
    """Why nothing is done for it, although it has not ended; '' when something is."""
    waiting_for: tuple[RunNeed, ...] = ()
    """What it waits for people with, where nothing else goes on and that was not to be waited for: it is `running`."""
    steps: Mapping[str, StepResult] = field(default_factory=dict)

    @property
    def ok(self) -> bool:
        """Whether every step that the run needs is completed."""
        return self.state in _GOOD

    @property
    def needs_person(self) -> bool:
        """Whether it goes on once a person has decided."""
        return self.state is RunState.NEEDS_HUMAN or bool(self.held) or bool(self.waiting_for)


class WorkflowRun:
    """One run. Its relay has to stay open as long as it is used."""

    def __init__(self, relay: AgentRelay, run: str, *, session: str) -> None:
        self._relay = relay
        self._path = f"/v1/workflows/runs/{quote(run, safe='')}"
        self.id = run
        self.session = session
        """The id of the session that it is in."""

    async def events(self) -> AsyncGenerator[Event, None]:
        """What happens to it and its steps, from its beginning to its end."""
        endpoint = self._relay.endpoint
        async with (
            AgentRelay(endpoint.url, endpoint.token, self.session) as session,
            aclosing(session.events("0")) as events,
        ):
            async for event in events:
                if not isinstance(event, Event) or event.data.get("run") != self.id:
                    continue
                yield event
                if event.kind == "workflow.ended":
                    return

    async def wait(self, *, waits_for_people: bool = True, on_need: OnNeed | None = None) -> RunResult:
        """How it ended, as soon as it has; also when it rests until a person decides.

        `waits_for_people`: whether it is waited for that somebody answers a gate, or what an agent asks; if not, the
        result has in `waiting_for` what that is, once nothing else goes on. `on_need`: called with each such thing, as
        it comes up. A broker that does not tell them is waited for.
        """
        pause_s, told = _FIRST_LOOK_S, set[str]()
        while True:
            shown = await self._relay.request("GET", self._path)
            if shown["state"] != RunState.RUNNING or shown["held"]:
                return await self._result(shown)
            needs = _read_needs(shown)
            for each in needs:
                if on_need is not None and each.subject not in told:
                    on_need(each)
                told.add(each.subject)
            if shown.get("waits_for_people") and not waits_for_people:
                return await self._result(shown, waiting_for=needs)
            await asyncio.sleep(pause_s)
            pause_s = min(1.5 * pause_s, _LONGEST_LOOK_S)

    async def needs(self) -> tuple[RunNeed, ...]:
        """What it waits for people with now, whatever else goes on."""
        return _read_needs(await self._relay.request("GET", self._path))

    async def output(self, step: str, *, attempt: int | None = None) -> str:
        """What a step has said, in its newest attempt that has ended unless one is named. Raises `NotFound`."""
        path = f"{self._of(step)}/output?attempt={attempt or 0}"
        found: str = (await self._relay.request("GET", path))["output"]
        return found

    async def cancel(self) -> None:
        """Let it end: nothing new starts, and what runs is stopped. Raises `Conflict` when it has ended."""
        await self._relay.request("POST", f"{self._path}/cancel")

    async def resume(self) -> None:
        """Let it go on; steps that are completed stay so. Raises `Conflict` when there is nothing to resume."""
        await self._relay.request("POST", f"{self._path}/resume")

    async def retry(self, step: str) -> None:
        """Try a step again that needs a person. Raises `NotFound`, `Conflict`."""
        await self._relay.request("POST", f"{self._of(step)}/retry")

    async def skip(self, step: str, *, output: str = "") -> None:
        """Count a step as completed, since it was done otherwise. Raises `NotFound`, `Conflict`."""
        await self._relay.request("POST", f"{self._of(step)}/skip", body={"output": output})

    def _of(self, step: str) -> str:
        """Where a step is asked for: it may be called almost anything."""
        return f"{self._path}/steps/{quote(step, safe='')}"

    async def _result(self, shown: Mapping[str, Any], *, waiting_for: tuple[RunNeed, ...] = ()) -> RunResult:
        steps = {each["name"]: await self._step(each) for each in shown["steps"]}
        return RunResult(
            id=self.id,
            state=RunState(shown["state"]),
            reason=shown["reason"] or "",
            held=shown["held"] or "",
            waiting_for=waiting_for,
            steps=steps,
        )

    async def _step(self, step: Mapping[str, Any]) -> StepResult:
        ended = step["output"] or any(each["outcome"] for each in step["attempts"])
        return StepResult(
            name=step["name"],
            state=StepState(step["state"]),
            output=await self.output(step["name"]) if ended else "",
            reason=step["reason"],
            attempts=len(step["attempts"]),
            choice=step["choice"],
        )


def _read_needs(shown: Mapping[str, Any]) -> tuple[RunNeed, ...]:
    return tuple(RunNeed.model_validate(each) for each in shown.get("needs", ()))


async def start_run(
    relay: AgentRelay,
    text: str,
    *,
    vars: Mapping[str, Any] | None = None,  # noqa: A002 - what the file calls them
    workflow: str | None = None,
    on: str | None = None,
    folder: str | None = None,
    session: str | None = None,
) -> WorkflowRun:
    """Start a run of a workflow file. `on`: the machine of steps that name none; `folder`: where there.

    `session`: where it runs, one of its own when none is given. Raises `BadRequest` (INVALID_WORKFLOW), `NotPermitted`.
    """
    body = {
        "text": text,
        "workflow": workflow,
        "vars": dict(vars or {}),
        "on": on,
        "folder": folder,
        "session": session,
    }
    started = await relay.request("POST", "/v1/workflows/runs", body=body)
    return WorkflowRun(relay, started["id"], session=started["session"])


async def find_run(relay: AgentRelay, run: str) -> WorkflowRun:
    """A run that was started before, by its id. Raises `NotFound`."""
    found = await relay.request("GET", f"/v1/workflows/runs/{quote(run, safe='')}")
    return WorkflowRun(relay, found["id"], session=found["session"])


async def run_to_end(
    text: str,
    *,
    relay: AgentRelay | None,
    on_event: OnEvent | None,
    on_need: OnNeed | None,
    waits_for_people: bool,
    options: Mapping[str, Any],
) -> RunResult:
    """Start a run, tell what happens, and give back how it ended. Without a `relay` one is opened for that."""
    async with AsyncExitStack() as stack:
        used = AgentRelay() if relay is None else relay
        if relay is None:
            await stack.enter_async_context(used)
        run = await start_run(used, text, **options)
        telling = asyncio.create_task(_tell(run, on_event)) if on_event else None
        try:
            result = await run.wait(waits_for_people=waits_for_people, on_need=on_need)
            if telling is not None and not result.needs_person:
                await telling  # all that it has to tell, the end too
            return result
        finally:
            if telling is not None:
                telling.cancel()
                with suppress(asyncio.CancelledError):
                    await telling


async def _tell(run: WorkflowRun, on_event: OnEvent) -> None:
    async with aclosing(run.events()) as events:
        async for event in events:
            on_event(event)
