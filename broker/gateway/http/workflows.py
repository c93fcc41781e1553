"""The HTTP API of runs of workflows: starting, showing, and deciding about them."""

from __future__ import annotations

from typing import Any

from pydantic import Field
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import BaseRoute, Route

from broker.domain.ids import WorkflowRunId
from broker.domain.needs.run_needs import RunNeed, RunNeeds
from broker.domain.people.access import Principal
from broker.gateway.serving.answers import Answer, Body, guard, integer, measure, read_body
from broker.gateway.serving.credentials import credential
from broker.gateway.serving.repeating import idempotency_key
from broker.services.container import Services
from broker.services.people.web_links import need_url, run_url
from broker.services.ports import RunRow
from broker.services.workflows.reruns import RerunRequest
from broker.services.workflows.runs import MAX_RUNS
from broker.services.workflows.showing import ShownRun
from broker.services.workflows.starting import RunRequest

_MAX_BODY = 4 * 1024 * 1024
_MAX_OUTPUT = 128 * 1024


class _Start(Body):
    text: str
    """The whole file."""
    workflow: str | None = Field(None, max_length=200)
    vars: dict[str, Any] = Field(default_factory=dict, max_length=500)
    on: str | None = Field(None, max_length=200)
    """Where steps run that the file gives no machine."""
    folder: str | None = Field(None, max_length=4096)
    session: str | None = Field(None, max_length=200)


class _Check(Body):
    text: str
    workflow: str | None = Field(None, max_length=200)


class _Skip(Body):
    output: str = Field("", max_length=_MAX_OUTPUT)


class _Budget(Body):
    """What is allowed beyond what was allowed before."""

    tokens: int = Field(0, ge=0, le=10**12)
    usd: float = Field(0, ge=0, le=10**6)


class _Vote(Body):
    choice: str = Field(min_length=1, max_length=1000)


class _Rerun(Body):
    text: str | None = None
    """A corrected file; without it the run's own."""
    step: str | None = Field(None, max_length=200)
    """From which on all is done again."""
    vars: dict[str, Any] = Field(default_factory=dict, max_length=500)
    """In place of the run's own."""

    def to_request(self, key: str | None) -> RerunRequest:
        """As the service takes it."""
        return RerunRequest(text=self.text, step=self.step, values=self.vars, idempotency_key=key)


class WorkflowsApi:
    """The endpoints. Each authenticates, calls one service and answers with its result."""

    def __init__(self, services: Services) -> None:
        self._s = services

    def routes(self) -> list[BaseRoute]:
        """All of them."""
        runs, run = "/v1/workflows/runs", "/v1/workflows/runs/{run}"
        table: list[tuple[str, str, Any]] = [
            ("GET", runs, self.runs),
            ("POST", runs, self.start),
            ("POST", "/v1/workflows/check", self.check),
            ("GET", run, self.run),
            ("GET", f"{run}/file", self.file),
            ("GET", f"{run}/compare/{{other}}", self.compare),
            ("POST", f"{run}/rerun", self.rerun),
            ("POST", f"{run}/rerun/preview", self.preview),
            ("POST", f"{run}/cancel", self.cancel),
            ("POST", f"{run}/resume", self.resume),
            ("POST", f"{run}/budget", self.budget),
            ("POST", f"{run}/vote", self.vote),
            ("GET", f"{run}/steps/{{step}}/output", self.output),
            ("POST", f"{run}/steps/{{step}}/retry", self.retry),
            ("POST", f"{run}/steps/{{step}}/skip", self.skip),
            ("POST", f"{run}/steps/{{step}}/fail", self.fail),
        ]
        return [Route(path, measure(path, guard(endpoint)), methods=[method]) for method, path, endpoint in table]

    async def _caller(self, request: Request) -> tuple[Principal, WorkflowRunId]:
        principal = await self._s.access.authenticate(credential(request))
        return principal, WorkflowRunId(request.path_params.get("run", ""))

    async def runs(self, request: Request) -> Response:
        """The latest runs, the newest first: `?limit=`."""
        principal, _ = await self._caller(request)
        limit = integer(request, "limit", default=20, most=MAX_RUNS)
        rows = await self._s.workflows.list(principal, limit=limit)
        return Answer({"runs": [show_row(each) for each in rows]})

    async def start(self, request: Request) -> Response:
        """Begin a run; the same again with its `Idempotency-Key`."""
        principal, _ = await self._caller(request)
        body = await read_body(request, _Start, most=_MAX_BODY)
        asked = RunRequest(
            text=body.text,
            workflow=body.workflow,
            values=body.vars,
            machine=body.on,
            folder=body.folder,
            session=body.session,
            idempotency_key=idempotency_key(request),
        )
        return Answer(show_row(await self._s.workflows.start(principal, asked)))

    async def check(self, request: Request) -> Response:
        """What is wrong in a file, with the places, and what a run of it would do; nothing is started."""
        principal, _ = await self._caller(request)
        body = await read_body(request, _Check, most=_MAX_BODY)
        found = await self._s.workflow_checks.check(principal, body.text, workflow=body.workflow)
        problems = [
            {"severity": p.severity, "line": p.position.line, "column": p.position.column, "message": p.message}
            for p in found.problems
        ]
        return Answer(
            {"problems": problems, "workflows": found.workflows, "missing": found.missing, "plan": found.plan}
        )

    async def run(self, request: Request) -> Response:
        """A run with its steps, and what it waits for people with."""
        principal, run = await self._caller(request)
        shown = await self._s.workflows.show(principal, run)
        needs = await self._s.run_needs.of(principal, shown)
        return Answer(show_run(shown, needs, public_url=self._s.public_url))

    async def file(self, request: Request) -> Response:
        """The file that the run is pinned to, as it was given."""
        principal, run = await self._caller(request)
        return PlainTextResponse(await self._s.workflows.definition(principal, run))

    async def cancel(self, request: Request) -> Response:
        """Let it end."""
        principal, run = await self._caller(request)
        return Answer(show_row(await self._s.workflows.cancel(principal, run)))

    async def resume(self, request: Request) -> Response:
        """Let it go on."""
        principal, run = await self._caller(request)
        return Answer(show_row(await self._s.workflows.resume(principal, run)))

    async def rerun(self, request: Request) -> Response:
        """Begin a run that goes on from this one: with a corrected file, or from a step on."""
        principal, run = await self._caller(request)
        body = await read_body(request, _Rerun, most=_MAX_BODY)
        return Answer(show_row(await self._s.reruns.start(principal, run, body.to_request(idempotency_key(request)))))

    async def preview(self, request: Request) -> Response:
        """What such a run would do again, and why, and how the files differ."""
        principal, run = await self._caller(request)
        body = await read_body(request, _Rerun, most=_MAX_BODY)
        found = await self._s.reruns.preview(principal, run, body.to_request(None))
        steps = [{"name": name, "kept": not why, "why": why} for name, why in found.reuse.steps.items()]
        return Answer({"steps": steps, "gone": found.reuse.gone, "difference": found.difference})

    async def compare(self, request: Request) -> Response:
        """Two runs side by side."""
        principal, run = await self._caller(request)
        found = await self._s.reruns.compare(principal, run, WorkflowRunId(request.path_params["other"]))
        return Answer(
            {
                "left": show_row(found.left.row),
                "right": show_row(found.right.row),
                "steps": list(found.steps),
                "difference": found.difference,
            }
        )

    async def budget(self, request: Request) -> Response:
        """Allow it to spend more."""
        principal, run = await self._caller(request)
        body = await read_body(request, _Budget)
        micro_usd = round(body.usd * 1_000_000)
        row = await self._s.workflows.raise_budget(principal, run, tokens=body.tokens, micro_usd=micro_usd)
        return Answer(show_row(row))

    async def vote(self, request: Request) -> Response:
        """Decide a vote that had no winner."""
        principal, run = await self._caller(request)
        body = await read_body(request, _Vote)
        return Answer(show_row(await self._s.workflows.settle_vote(principal, run, body.choice)))

    async def output(self, request: Request) -> Response:
        """What a step has said: `?attempt=`, else in the newest attempt that has ended."""
        principal, run = await self._caller(request)
        step = request.path_params["step"]
        attempt = integer(request, "attempt", default=0, most=100_000, least=0) or None
        number, text = await self._s.workflows.output(principal, run, step, attempt=attempt)
        return Answer({"step": step, "attempt": number, "output": text})

    async def retry(self, request: Request) -> Response:
        """Try a step again that needs a person."""
        principal, run = await self._caller(request)
        return Answer(show_row(await self._s.workflows.retry(principal, run, request.path_params["step"])))

    async def skip(self, request: Request) -> Response:
        """Count a step as completed, with an output."""
        principal, run = await self._caller(request)
        body = await read_body(request, _Skip)
        step = request.path_params["step"]
        return Answer(show_row(await self._s.workflows.skip(principal, run, step, output=body.output)))

    async def fail(self, request: Request) -> Response:
        """Give a step up that needs a person."""
        principal, run = await self._caller(request)
        return Answer(show_row(await self._s.workflows.give_up(principal, run, request.path_params["step"])))


def show_row(row: RunRow) -> dict[str, object]:
    """A run without its steps."""
    return {
        "id": row.id,
        "name": row.name,
        "workflow": row.workflow,
        "session": row.session,
        "state": row.state,
        "reason": row.reason or None,
        "held": row.held or None,
        "by": row.by.name,
        "machine": row.machine,
        "folder": row.folder,
        "vars": row.values,
        "definition": row.definition,
        "origin": row.origin,
        "started_at_ms": row.started_at_ms,
        "changed_at_ms": row.changed_at_ms,
    }


def show_run(shown: ShownRun, needs: RunNeeds, *, public_url: str) -> dict[str, object]:
    """A run with its steps, where people see it, and what it waits for people with."""
    return {
        **show_row(shown.row),
        "session_name": shown.session_name,
        "url": run_url(public_url, shown.row.id),
        "steps": list(shown.steps),
        "waits_for_people": needs.alone,
        "needs": [_show_need(each, public_url=public_url) for each in needs.needs],
    }


def _show_need(need: RunNeed, *, public_url: str) -> dict[str, object]:
    return {
        "kind": need.kind,
        "run": need.run,
        "step": need.step,
        "agent": need.agent or None,
        "asks": need.asks,
        "subject": need.subject,
        "commands": need.commands,
        "url": need_url(public_url, need),
    }
