"""Runs of workflows: started, watched while they go on, and what came of them, typed.

    result = await workflow("build").agent("A", cli="codex").step("do", agent="A", task="Build it").run()
    print(result.ok, result.steps["do"].output)

A run goes on at the broker whatever becomes of the program that started it: `find_run` finds it again by its id.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import AsyncExitStack, aclosing, suppress
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

from broker.domain.workflows.runs.journal import RunState
from broker.domain.workflows.runs.steps import StepState
from connect.sdk.relay import AgentRelay
from connect.sdk.types import Event

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


@dataclass(frozen=True, slots=True, kw_only=True)
class RunResult:
    """How a run ended, or where it rests until a person decides."""

    id: str
    state: RunState
    reason: str
    held: str
    """Why nothing is done for it, although it has not ended; '' when something is."""
    steps: Mapping[str, StepResult] = field(default_factory=dict)

    @property
    def ok(self) -> bool:
        """Whether every step that the run needs is completed."""
        return self.state in _GOOD

    @property
    def needs_person(self) -> bool:
        """Whether it goes on once a person has decided."""
        return self.state is RunState.NEEDS_HUMAN or bool(self.held)


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

    async def wait(self) -> RunResult:
        """How it ended, as soon as it has; also when it rests until a person decides."""
        pause_s = _FIRST_LOOK_S
        while True:
            shown = await self._relay.request("GET", self._path)
            if shown["state"] != RunState.RUNNING or shown["held"]:
                return await self._result(shown)
            await asyncio.sleep(pause_s)
            pause_s = min(1.5 * pause_s, _LONGEST_LOOK_S)

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

    async def _result(self, shown: Mapping[str, Any]) -> RunResult:
        steps = {each["name"]: await self._step(each) for each in shown["steps"]}
        return RunResult(
            id=self.id,
            state=RunState(shown["state"]),
            reason=shown["reason"] or "",
            held=shown["held"] or "",
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
    text: str, *, relay: AgentRelay | None, on_event: OnEvent | None, options: Mapping[str, Any]
) -> RunResult:
    """Start a run, tell what happens, and give back how it ended. Without a `relay` one is opened for that."""
    async with AsyncExitStack() as stack:
        used = AgentRelay() if relay is None else relay
        if relay is None:
            await stack.enter_async_context(used)
        run = await start_run(used, text, **options)
        telling = asyncio.create_task(_tell(run, on_event)) if on_event else None
        try:
            result = await run.wait()
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
