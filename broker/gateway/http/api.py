"""The HTTP API under /v1: what people's tools and the SDK call."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Annotated, Any

from pydantic import Field, StringConstraints
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from broker.domain.agents.sessions import Session
from broker.domain.agents.stops import stop_over
from broker.domain.approvals.answers import ApprovalAnswer, ApprovalStatus, Scope, Verdict
from broker.domain.approvals.effects import Effect
from broker.domain.approvals.risk.findings import Risk
from broker.domain.approvals.rules import KeptRule, Rule
from broker.domain.errors import BadRequest
from broker.domain.ids import ApprovalId, MessageId
from broker.domain.logs.events import Cursor, parse_cursor
from broker.domain.messages.messages import Mode
from broker.domain.people.access import MemberRole, Principal
from broker.gateway.serving.answers import Answer, Body, guard, integer, measure, read_body
from broker.gateway.serving.credentials import credential, show_caller
from broker.gateway.serving.repeating import idempotency_key, once
from broker.services.agents.sessions import MAX_PAGE
from broker.services.agents.spawner import DEFAULT_WAIT_S, SpawnRequest
from broker.services.container import Services
from broker.services.people.web_links import session_url
from broker.telemetry import MESSAGES

_Short = Annotated[str, StringConstraints(min_length=1, max_length=200)]


class _NewSession(Body):
    name: _Short
    private: bool = False
    """Open to whoever makes it and to who administers; `/v1/sessions/{session}/access` says more of it."""


class _Spawn(Body):
    name: _Short
    cli: _Short
    task: str | None = None
    on: _Short | None = None
    labels: list[_Short] = Field(default_factory=list, max_length=20)
    cwd: str | None = Field(None, max_length=4096)
    model: _Short | None = None
    worktree: bool = False
    wait: bool = True
    timeout_s: float = Field(DEFAULT_WAIT_S, gt=0, le=300)


class _Send(Body):
    to: _Short
    text: str
    mode: Mode = Mode.WAIT
    thread: _Short | None = None
    ttl_s: int | None = None


class _Member(Body):
    agent: _Short


class _RuleBody(Body):
    effect: Effect
    tool: _Short = "*"
    command: str | None = Field(None, max_length=1000)
    path: str | None = Field(None, max_length=4096)
    risk: Risk | None = None
    role: MemberRole | None = None
    group: _Short | None = None
    people: int = 1
    by: str | None = None
    """As it is read; what is written here counts for nothing, and no more does `at_ms`."""
    at_ms: int | None = None

    def rule(self) -> Rule:
        """As the domain knows it."""
        return Rule(**self.model_dump(exclude={"by", "at_ms"}))


class _Answer(Body):
    verdict: Verdict
    scope: Scope = Scope.ONCE
    note: str = Field("", max_length=4000)
    interrupt: bool = False
    updated_input: dict[str, Any] | None = None
    option_id: _Short | None = None
    always: _RuleBody | None = None
    """A rule to put first with the answer, one of the `suggested_rules`, say; for who administers."""


class _QuestionAnswer(Body):
    answers: dict[str, list[str]] = Field(default_factory=dict, max_length=100)
    decline: bool = False
    note: str = Field("", max_length=4000)


class _Rules(Body):
    rules: list[_RuleBody]


class Api:
    """The endpoints. Each authenticates, calls one service and answers with its result."""

    def __init__(self, services: Services) -> None:
        self._s = services

    def routes(self) -> list[BaseRoute]:
        """All routes of /v1 but the live event socket."""
        session = "/v1/sessions/{session}"
        table: list[tuple[str, str, Any]] = [
            ("GET", "/v1/whoami", self.whoami),
            ("GET", "/v1/sessions", self.sessions),
            ("POST", "/v1/sessions", self.create_session),
            ("GET", session, self.session),
            ("GET", f"{session}/events", self.events),
            ("GET", f"{session}/agents", self.agents),
            ("POST", f"{session}/agents", self.spawn),
            ("DELETE", f"{session}/agents/{{name}}", once(self._s, self.release)),
            ("POST", f"{session}/agents/{{name}}/interrupt", self.interrupt),
            ("POST", f"{session}/agents/{{name}}/resume", self.resume),
            ("POST", f"{session}/messages", self.send),
            ("GET", f"{session}/messages/{{message}}", self.trace),
            ("GET", f"{session}/channels", self.channels),
            ("POST", f"{session}/channels/{{channel}}/members", self.join),
            ("DELETE", f"{session}/channels/{{channel}}/members/{{name}}", once(self._s, self.leave)),
            ("GET", f"{session}/approvals", self.approvals),
            ("GET", "/v1/approvals/{approval}", self.approval),
            ("POST", "/v1/approvals/{approval}/answer", self.answer),
            ("GET", f"{session}/questions", self.questions),
            ("GET", "/v1/questions/{question}", self.question),
            ("POST", "/v1/questions/{question}/answer", self.answer_question),
            ("GET", "/v1/rules", self.rules),
            ("PUT", "/v1/rules", self.set_rules),
            ("POST", "/v1/rules", self.add_rule),
            ("DELETE", "/v1/rules", self.remove_rule),
            ("GET", "/v1/proxies", self.proxies),
            ("DELETE", "/v1/proxies/{proxy}", once(self._s, self.forget_proxy)),
            ("POST", "/v1/proxies/{proxy}/adopt", self.adopt_proxy),
        ]
        return [Route(path, measure(path, guard(endpoint)), methods=[method]) for method, path, endpoint in table]

    async def _caller(self, request: Request) -> Principal:
        return await self._s.access.authenticate(credential(request))

    async def _in_session(self, request: Request) -> tuple[Principal, Session]:
        principal = await self._caller(request)
        return principal, await self._s.sessions.get(principal, request.path_params["session"])

    async def whoami(self, request: Request) -> Response:
        """Who the token stands for and what it may do."""
        return Answer(show_caller(await self._caller(request)))

    async def sessions(self, request: Request) -> Response:
        """All sessions the caller can see."""
        principal = await self._caller(request)
        stops = await self._s.stops.standing(principal)
        sessions = await self._s.sessions.visible(principal)
        return Answer({"sessions": [{**self._show(s), "stopped": stop_over(stops, session=s.id)} for s in sessions]})

    async def create_session(self, request: Request) -> Response:
        """A new session, or the one with that name."""
        principal = await self._caller(request)
        body = await read_body(request, _NewSession)
        return Answer(self._show(await self._s.sessions.create(principal, body.name, private=body.private)))

    async def session(self, request: Request) -> Response:
        """One session."""
        principal, session = await self._in_session(request)
        stops = await self._s.stops.standing(principal)
        return Answer({**self._show(session), "stopped": stop_over(stops, session=session.id)})

    async def events(self, request: Request) -> Response:
        """A page of the log: `?after=<cursor>&limit=`."""
        principal, session = await self._in_session(request)
        limit = integer(request, "limit", default=100, most=MAX_PAGE)
        page = await self._s.sessions.events(principal, session, after=_after(request), limit=limit)
        body = b'{"ok":true,"data":{"events":[%s],"next":"%s","head":"%s","reset":%s}}' % (
            ",".join(page.events).encode(),
            str(page.next).encode(),
            str(page.head).encode(),
            b"true" if page.reset else b"false",
        )
        return Response(body, media_type="application/json")

    async def agents(self, request: Request) -> Response:
        """The session's agents, ended ones too."""
        principal, session = await self._in_session(request)
        return Answer({"agents": await self._s.sessions.agents(principal, session)})

    async def spawn(self, request: Request) -> Response:
        """Start an agent; answers when it is ready, or at once with `"wait": false`."""
        principal, session = await self._in_session(request)
        body = await read_body(request, _Spawn)
        asked = SpawnRequest(
            name=body.name,
            cli=body.cli,
            task=body.task,
            machine=body.on,
            labels=body.labels,
            cwd=body.cwd,
            model=body.model,
            worktree=body.worktree,
            idempotency_key=idempotency_key(request),
        )
        agent = await self._s.spawner.spawn(principal, session, asked)
        if body.wait:
            agent = await self._s.spawner.wait_ready(principal, agent, timeout_s=body.timeout_s)
        return Answer(agent)

    async def release(self, request: Request) -> Response:
        """End an agent; answers when its processes are gone, or at once with `?wait=false`."""
        principal, session = await self._in_session(request)
        agent = await self._s.spawner.release(principal, session, request.path_params["name"])
        if request.query_params.get("wait") != "false":
            agent = await self._s.spawner.wait_released(principal, agent)
        return Answer(agent)

    async def interrupt(self, request: Request) -> Response:
        """Stop an agent's running turn."""
        principal, session = await self._in_session(request)
        name = request.path_params["name"]
        await self._s.spawner.interrupt(principal, session, name)
        return Answer(await self._s.sessions.agent(principal, session, name))

    async def resume(self, request: Request) -> Response:
        """Bring an agent back that has ended; answers when it is ready, or at once with `?wait=false`."""
        principal, session = await self._in_session(request)
        agent = await self._s.spawner.resume(principal, session, request.path_params["name"])
        if request.query_params.get("wait") != "false":
            agent = await self._s.spawner.wait_ready(principal, agent)
        return Answer(agent)

    async def send(self, request: Request) -> Response:
        """Accept a message; says where it stands with each recipient."""
        principal, session = await self._in_session(request)
        body = await read_body(request, _Send)
        sent = await self._s.router.send(
            principal,
            session,
            to=body.to,
            text=body.text,
            mode=body.mode,
            thread=MessageId(body.thread) if body.thread else None,
            ttl_s=body.ttl_s,
            idempotency_key=idempotency_key(request),
        )
        MESSAGES.labels(body.mode).inc()
        return Answer(sent)

    async def trace(self, request: Request) -> Response:
        """Every step of a message."""
        principal, session = await self._in_session(request)
        return Answer(await self._s.router.trace(principal, session, MessageId(request.path_params["message"])))

    async def channels(self, request: Request) -> Response:
        """The channels that the session's agents are in, with their members."""
        principal, session = await self._in_session(request)
        return Answer({"channels": await self._s.router.channels(principal, session)})

    async def join(self, request: Request) -> Response:
        """Make an agent a member of a channel."""
        principal, session = await self._in_session(request)
        body = await read_body(request, _Member)
        await self._s.router.join(principal, session, channel=request.path_params["channel"], agent=body.agent)
        return Answer({})

    async def leave(self, request: Request) -> Response:
        """End a membership."""
        principal, session = await self._in_session(request)
        params = request.path_params
        await self._s.router.leave(principal, session, channel=params["channel"], agent=params["name"])
        return Answer({})

    async def approvals(self, request: Request) -> Response:
        """What the session's agents asked, the newest first: `?status=pending`. Questions have `prompts`."""
        principal, session = await self._in_session(request)
        return Answer({"approvals": await self._s.desk.of_session(principal, session, status=_status(request))})

    async def approval(self, request: Request) -> Response:
        """One approval."""
        principal = await self._caller(request)
        return Answer(await self._s.desk.get(principal, ApprovalId(request.path_params["approval"])))

    async def answer(self, request: Request) -> Response:
        """Answer an approval; the first answer wins."""
        principal = await self._caller(request)
        body = await read_body(request, _Answer)
        answer = ApprovalAnswer(
            verdict=body.verdict,
            scope=body.scope,
            note=body.note,
            interrupt=body.interrupt,
            updated_input=body.updated_input,
            option_id=body.option_id,
        )
        approval, always = ApprovalId(request.path_params["approval"]), body.always.rule() if body.always else None
        return Answer(await self._s.desk.answer(principal, approval, answer, always=always))

    async def questions(self, request: Request) -> Response:
        """The questions alone that the session's agents asked, the newest first: `?status=pending`."""
        principal, session = await self._in_session(request)
        asked = await self._s.desk.of_session(principal, session, status=_status(request))
        return Answer({"questions": [each for each in asked if each.is_question]})

    async def question(self, request: Request) -> Response:
        """One question."""
        principal = await self._caller(request)
        return Answer(await self._s.desk.question(principal, ApprovalId(request.path_params["question"])))

    async def answer_question(self, request: Request) -> Response:
        """Answer a question by its prompts' ids, or decline it; the first answer wins."""
        principal = await self._caller(request)
        body = await read_body(request, _QuestionAnswer)
        question = ApprovalId(request.path_params["question"])
        if body.decline:
            return Answer(await self._s.desk.decline_question(principal, question, note=body.note))
        return Answer(await self._s.desk.answer_question(principal, question, body.answers))

    async def rules(self, request: Request) -> Response:
        """The workspace's approval rules."""
        return Answer({"rules": _show_rules(await self._s.rules.rules(await self._caller(request)))})

    async def set_rules(self, request: Request) -> Response:
        """Replace the workspace's approval rules."""
        principal = await self._caller(request)
        body = await read_body(request, _Rules)
        return Answer(
            {"rules": _show_rules(await self._s.rules.replace(principal, [each.rule() for each in body.rules]))}
        )

    async def add_rule(self, request: Request) -> Response:
        """Put one rule ahead of the others, unless it is there; what others do at the same time stays."""
        principal = await self._caller(request)
        await self._s.rules.add(principal, (await read_body(request, _RuleBody)).rule())
        return Answer({"rules": _show_rules(await self._s.rules.rules(principal))})

    async def remove_rule(self, request: Request) -> Response:
        """Take the rule of the body away, wherever it stands by now; says whether it was there."""
        principal = await self._caller(request)
        removed = await self._s.rules.remove(principal, (await read_body(request, _RuleBody)).rule())
        return Answer({"removed": removed, "rules": _show_rules(await self._s.rules.rules(principal))})

    async def proxies(self, request: Request) -> Response:
        """The workspace's machines."""
        return Answer({"proxies": await self._s.sessions.proxies(await self._caller(request))})

    async def forget_proxy(self, request: Request) -> Response:
        """Remove a machine that is offline."""
        principal = await self._caller(request)
        await self._s.sessions.forget_proxy(principal, request.path_params["proxy"])
        return Answer({})

    async def adopt_proxy(self, request: Request) -> Response:
        """Let a machine whose owner was removed be the caller's, as soon as it is linked with a token of theirs."""
        principal = await self._caller(request)
        return Answer(await self._s.sessions.adopt_proxy(principal, request.path_params["proxy"]))

    def _show(self, session: Session) -> dict[str, object]:
        return {
            "id": session.id,
            "name": session.name,
            "url": session_url(self._s.public_url, session),
            "epoch": session.epoch,
            "offset": session.offset,
            "searchable": session.searchable,
            "created_at_ms": session.created_at_ms,
        }


def _status(request: Request) -> ApprovalStatus | None:
    status = request.query_params.get("status")
    if status is not None and status not in set(ApprovalStatus):
        raise BadRequest(f"status: one of {', '.join(ApprovalStatus)}")
    return ApprovalStatus(status) if status else None


def _after(request: Request) -> Cursor | None:
    text = request.query_params.get("after")
    return parse_cursor(text) if text and text != "0" else None


def _show_rules(rules: Sequence[KeptRule]) -> list[dict[str, Any]]:
    return [{**asdict(each.rule), "by": each.by, "at_ms": each.at_ms} for each in rules]
