"""The agents' tools at /mcp: MCP over streamable HTTP, stateless, authorised by each agent's own token.

The words and arguments are the same for every vendor. A refusal is an answer the model can read, with its stable code.
"""

from __future__ import annotations

import functools
from collections.abc import Awaitable, Callable, Sequence
from typing import Annotated, Any, cast

import orjson
from mcp.server import MCPServer
from mcp.server.mcpserver import Context
from mcp.server.mcpserver.exceptions import ToolError
from mcp.server.transport_security import TransportSecuritySettings
from mcp_types import ToolAnnotations
from pydantic import Field
from starlette.requests import Request
from starlette.types import Receive, Scope, Send

from broker import __version__
from broker.domain.agents.agents import Agent
from broker.domain.agents.sessions import Session
from broker.domain.approvals.approvals import Approval
from broker.domain.errors import NotPermitted, RelayError
from broker.domain.ids import AgentId, MessageId
from broker.domain.logs.rows import LineKind
from broker.domain.messages.messages import Mode
from broker.domain.people.access import Principal
from broker.domain.people.token_kinds import TokenKind
from broker.domain.plans.budgets import Gift, Unit
from broker.gateway.http.budgets import show_budget
from broker.gateway.serving.answers import Refusal
from broker.gateway.serving.credentials import in_header, require_own_origin
from broker.services.agents.spawner import SpawnRequest
from broker.services.container import Services
from broker.services.logs.search import FoundLine
from broker.services.workflows.starting import RunRequest
from broker.telemetry import MESSAGES

_LOCAL = ToolAnnotations(destructive_hint=False, open_world_hint=False)
_READ_ONLY = ToolAnnotations(read_only_hint=True, open_world_hint=False)
_LOG_TEXT = 400
"""Characters of one log line: a model reads these, and its context is dear."""

_Tool = Callable[..., Awaitable[dict[str, Any]]]
To = Annotated[str, Field(description="An agent's name, a #channel, or * for everybody in the session")]
How = Annotated[
    Mode,
    Field(
        description="wait: when they are idle; steer: into their running turn; interrupt: stop their turn first, which"
        " you may only with agents that you spawned"
    ),
]
ChannelName = Annotated[str, Field(description="As #review: lower-case letters, digits, '_' and '-'")]
Member = Annotated[str, Field(description="An agent that you spawned; yourself when not given")]
Text = Annotated[str, Field(description="What to say; plain text or Markdown")]

LogSearchText = Annotated[
    str,
    Field(
        description='Conditions that all hold: word "a phrase" *part* -without agent:Name kind:command tool:Bash'
        ' command:"npm *" path:src/*.py exit:1 failed:true since:2h until:2026-01-31T10:00.'
        f" Kinds: {', '.join(LineKind)}"
    ),
]


class RelayTools:
    """The tools; each acts as the agent whose token came with the request."""

    def __init__(self, services: Services) -> None:
        self._s = services

    def server(self) -> MCPServer[Any]:
        """An MCP server offering them."""
        server: MCPServer[Any] = MCPServer("relay", version=__version__, log_level="WARNING", subscriptions=False)
        acting: list[_Tool] = [self.relay_send, self.relay_broadcast, self.relay_spawn, self.relay_release]
        acting += [
            self.relay_join,
            self.relay_leave,
            self.relay_submit,
            self.relay_run_workflow,
            self.relay_raise_budget,
        ]
        looking: list[_Tool] = [
            self.relay_agents,
            self.relay_inbox,
            self.relay_trace,
            self.relay_logs,
            self.relay_search_logs,
            self.relay_step,
            self.relay_budget,
        ]
        for tool in acting:
            server.add_tool(_refusing(tool), annotations=_LOCAL)
        for tool in looking:
            server.add_tool(_refusing(tool), annotations=_READ_ONLY)
        return server

    async def relay_send(
        self,
        ctx: Context,
        to: To,
        text: Text,
        mode: How = Mode.WAIT,
    ) -> dict[str, Any]:
        """Send a message to another agent. Returns its id and where it stands with each recipient. Replies come to you
        as new messages; do not poll for them.
        """
        principal, session = await self._caller(ctx)
        sent = await self._s.router.send(
            principal, session, to=to, text=text, mode=mode, idempotency_key=_call_key(ctx)
        )
        return _plain(sent)

    async def relay_broadcast(self, ctx: Context, text: Text) -> dict[str, Any]:
        """Send a message to every other agent of the session."""
        principal, session = await self._caller(ctx)
        sent = await self._s.router.send(principal, session, to="*", text=text, idempotency_key=_call_key(ctx))
        MESSAGES.labels(Mode.WAIT).inc()
        return _plain(sent)

    async def relay_spawn(
        self,
        ctx: Context,
        name: Annotated[str, Field(description="A new name, unique in the session")],
        cli: Annotated[str, Field(description="claude, codex, gemini, or another that relay_agents lists")],
        task: Annotated[str, Field(description="Its first message: what it should do")] = "",
        machine: Annotated[
            str | None, Field(description="The machine to run on, by name or id; yours when not given")
        ] = None,
        cwd: Annotated[
            str | None,
            Field(
                description="Its working folder. On your machine: yours when not given, and a relative one is meant"
                " from yours; on another: where relay-connect was started there when not given"
            ),
        ] = None,
        worktree: Annotated[
            bool,
            Field(
                description="Let it work in a git worktree and on a branch of its own, so that you do not change the"
                " same files at the same time; the answer says which branch"
            ),
        ] = False,
        budget: Annotated[
            float | None,
            Field(
                description="How much it may spend, with all that it spawns, out of what is left of your own budget; it"
                " has no budget of its own when not given",
                gt=0,
            ),
        ] = None,
        budget_unit: Annotated[Unit, Field(description="What that is of")] = Unit.TOKENS,
    ) -> dict[str, Any]:
        """Start another agent and give it a task: on your machine and in your folder, unless you say otherwise. Returns
        when it is ready, with the machine and the folder it works in, or says why it is not.
        """
        principal, session = await self._caller(ctx)
        request = SpawnRequest(
            name=name,
            cli=cli,
            task=task or None,
            machine=machine,
            cwd=cwd,
            worktree=worktree,
            gift=None if budget is None else Gift(unit=budget_unit, amount=budget),
            idempotency_key=_call_key(ctx),
        )
        agent = await self._s.spawner.spawn(principal, session, request)
        return _show(await self._s.spawner.wait_ready(principal, agent))

    async def relay_release(
        self, ctx: Context, name: Annotated[str, Field(description="An agent that you spawned")]
    ) -> dict[str, Any]:
        """End an agent that you spawned. Returns when its processes are gone."""
        principal, session = await self._caller(ctx)
        agent = await self._s.spawner.release(principal, session, name)
        return _show(await self._s.spawner.wait_released(principal, agent))

    async def relay_join(self, ctx: Context, channel: ChannelName, agent: Member = "") -> dict[str, Any]:
        """Join a #channel, or put an agent that you spawned into it: what is sent to the channel comes to all its
        members. A channel needs not be made. Returns all channels with their members.
        """
        principal, session = await self._caller(ctx)
        await self._s.router.join(principal, session, channel=channel, agent=agent or _myself(principal))
        return {"channels": _plain_list(await self._s.router.channels(principal, session))}

    async def relay_leave(self, ctx: Context, channel: ChannelName, agent: Member = "") -> dict[str, Any]:
        """Leave a #channel, or take an agent that you spawned out of it. Returns all channels with their members."""
        principal, session = await self._caller(ctx)
        await self._s.router.leave(principal, session, channel=channel, agent=agent or _myself(principal))
        return {"channels": _plain_list(await self._s.router.channels(principal, session))}

    async def relay_agents(self, ctx: Context) -> dict[str, Any]:
        """Who is in this session, what they are doing, and which agent programs each machine can run; and
        the channels, with their members.
        """
        principal, session = await self._caller(ctx)
        agents = await self._s.sessions.agents(principal, session)
        machines = await self._s.sessions.connected_proxies(principal)
        live = [agent for agent in agents if not agent.state.ended]
        waiting: list[Approval] = []
        if any(agent.waiting_approvals for agent in live):
            waiting = (await self._s.desk.waiting(principal, session=session)).approvals
        return {
            "you": principal.name,
            "agents": [
                {**_show(agent), "waits_for": [_show_asked(each) for each in waiting if each.agent_id == agent.id]}
                for agent in live
            ],
            "machines": [
                {"name": m.name, "labels": list(m.labels), "clis": [c.cli for c in m.clis if c.supported]}
                for m in machines
            ],
            "channels": _plain_list(await self._s.router.channels(principal, session)),
        }

    async def relay_inbox(
        self,
        ctx: Context,
        after: Annotated[int, Field(description="Only messages with a higher number", ge=0, le=2**53)] = 0,
        limit: Annotated[int, Field(ge=1, le=100)] = 20,
    ) -> dict[str, Any]:
        """Your received messages by number, for looking back. New ones come to you by themselves."""
        principal, _ = await self._caller(ctx)
        me = await self._s.sessions.agent_by_id(principal, _myself(principal))
        messages = await self._s.router.inbox(principal, me, after=after, limit=limit)
        return {"messages": [{"number": number, **body} for number, body in messages], "settled_up_to": me.inbox_acked}

    async def relay_trace(
        self, ctx: Context, message_id: Annotated[str, Field(description="An id that relay_send returned")]
    ) -> dict[str, Any]:
        """How far a message got: each step with its time, and the reason when it could not be delivered."""
        principal, session = await self._caller(ctx)
        return _plain(await self._s.router.trace(principal, session, MessageId(message_id)))

    async def relay_logs(
        self,
        ctx: Context,
        name: Annotated[str | None, Field(description="Only this agent's")] = None,
        limit: Annotated[int, Field(ge=1, le=200)] = 50,
    ) -> dict[str, Any]:
        """The newest lines of the session's log, oldest first: what agents said, ran and changed."""
        principal, session = await self._caller(ctx)
        events = await self._s.log_reader.recent(principal, session, name=name, limit=limit)
        return {"events": [_line(event) for event in events]}

    async def relay_search_logs(
        self,
        ctx: Context,
        query: LogSearchText,
        limit: Annotated[int, Field(ge=1, le=50)] = 20,
    ) -> dict[str, Any]:
        """Find lines anywhere in the session's log, newest first: what agents said, ran, changed and were told."""
        principal, _ = await self._caller(ctx)
        found = await self._s.log_search.search(principal, query, limit=limit)
        return {"hits": [_hit(hit.line) for hit in found.hits], "more": found.next is not None}

    async def relay_step(self, ctx: Context) -> dict[str, Any]:
        """The step of a workflow that you work on: its task, what has to hold for its result, where the other steps
        stand, and whom you may talk to.
        """
        principal, _ = await self._caller(ctx)
        own = await self._s.workflows.own_step(principal)
        return {
            "workflow": own.run.row.name,
            "run": own.part.run,
            "step": own.part.step,
            "attempt": own.standing.attempt,
            "round": own.standing.round,
            "you_are": own.part.name,
            "task": own.entry.task,
            "must_hold": [_plain(each.model_dump(mode="json", exclude_none=True)) for each in own.entry.conditions],
            "steps": [{"name": each.name, "agent": each.agent, "state": each.state} for each in own.run.steps],
            "you_may_talk_to": list(own.may_talk_to),
        }

    async def relay_budget(self, ctx: Context) -> dict[str, Any]:
        """What you may still spend: the budgets that you are paid from, and what is left of each. When one is spent you
        get no new messages until a person, or who spawned you, raises it. An empty list means that there is no budget.
        """
        principal, _ = await self._caller(ctx)
        return {"budgets": [show_budget(each) for each in await self._s.budgets.own(principal)]}

    async def relay_raise_budget(
        self,
        ctx: Context,
        agent: Annotated[str, Field(description="The agent that you spawned and whose budget is spent")],
        unit: Annotated[Unit, Field(description="What its budget is of")],
        allow: Annotated[bool, Field(description="false: it may not spend more")] = True,
    ) -> dict[str, Any]:
        """Answer whether an agent that you spawned may spend as much again, out of what is left of your own budget.
        Only a person can allow more than that.
        """
        principal, _ = await self._caller(ctx)
        return show_budget(await self._s.budgets.answer_raise(principal, agent, unit=unit, allow=allow))

    async def relay_submit(
        self,
        ctx: Context,
        result: Annotated[Any, Field(description="The result: text, or an object as the step's schema has it")],
    ) -> dict[str, Any]:
        """Hand in the result of the step of a workflow that you work on; the last one counts. It is refused when it is
        not as the step's schema has it. End your turn after that.
        """
        principal, _ = await self._caller(ctx)
        await self._s.workflows.submit(principal, result)
        return {"accepted": True}

    async def relay_run_workflow(
        self,
        ctx: Context,
        text: Annotated[str, Field(description="The whole workflow file (relay.yaml)")],
        values: Annotated[dict[str, Any] | None, Field(description="Values of the file's variables")] = None,
        workflow: Annotated[
            str | None, Field(description="Which workflow of the file; the first when not given")
        ] = None,
    ) -> dict[str, Any]:
        """Start a run of a workflow in this session, with your rights. Returns its id at once; it goes on by itself, as
        long as you are there.
        """
        principal, session = await self._caller(ctx)
        asked = RunRequest(
            text=text, workflow=workflow, values=values or {}, session=session.id, idempotency_key=_call_key(ctx)
        )
        row = await self._s.workflows.start(principal, asked)
        return {"run": row.id, "name": row.name, "state": row.state}

    async def _caller(self, ctx: Context) -> tuple[Principal, Session]:
        request = cast(Request, ctx.request_context.request)  # the HTTP transport always has one
        principal: Principal = request.scope[_SCOPE_KEY]
        if principal.session is None:
            raise NotPermitted("these tools are for agents; people use the API, the SDK or the terminal")
        return principal, await self._s.sessions.by_id(principal, principal.session)


_SCOPE_KEY = "relaycast.principal"


class ToolsApplication:
    """The ASGI application for /mcp. `server.session_manager` must run while it serves."""

    def __init__(self, services: Services) -> None:
        self._access = services.access
        self.server = RelayTools(services).server()
        self._inner = self.server.streamable_http_app(
            streamable_http_path="/mcp",
            json_response=True,
            stateless_http=True,
            # The edge checks the host for all routes, and we the origin.
            transport_security=TransportSecuritySettings(enable_dns_rebinding_protection=False),
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request of an agent."""
        request = Request(scope)
        try:
            require_own_origin(request, may_be_absent=True)  # MCP 2025-06-18, transports, security warning
            principal = await self._access.authenticate(in_header(request))
            if principal.kind is not TokenKind.AGENT:
                raise NotPermitted("the tools at /mcp are for agents; this is a token of another kind")
        except RelayError as error:
            await Refusal(error)(scope, receive, send)
            return
        await self._inner({**scope, _SCOPE_KEY: principal}, receive, send)


def _refusing(tool: _Tool) -> _Tool:
    """The tool, with refusals as tool errors: code first, then what to do."""

    @functools.wraps(tool)
    async def call(*args: Any, **kwargs: Any) -> dict[str, Any]:
        try:
            return await tool(*args, **kwargs)
        except RelayError as error:
            raise ToolError(f"{error.code}: {error.message}") from error

    return call


def _call_key(ctx: Context) -> str | None:
    """The vendor's id of this tool call, where it gives one: a call that its client repeats is carried out once."""
    meta = ctx.request_context.meta
    call_id = dict(meta).get("claudecode/toolUseId") if meta else None
    return str(call_id) if call_id else None


def _plain(value: object) -> dict[str, Any]:
    plain: dict[str, Any] = orjson.loads(orjson.dumps(value))
    return plain


def _plain_list(values: Sequence[object]) -> list[dict[str, Any]]:
    return [_plain(value) for value in values]


def _myself(principal: Principal) -> AgentId:
    return cast(AgentId, principal.agent)  # every agent's principal has one


def _show(agent: Agent) -> dict[str, Any]:
    return {
        "name": agent.name,
        "cli": agent.cli,
        "state": agent.state,
        "machine": agent.machine,
        "folder": agent.cwd,
        "branch": agent.branch,
        "spawned_by": agent.spawner,
        "waiting_approvals": agent.waiting_approvals,
    }


def _show_asked(approval: Approval) -> dict[str, Any]:
    """What waits for a person; agents see how risky it is and answer nothing."""
    return {
        "title": approval.title,
        "tool": approval.tool,
        "is_question": approval.is_question,
        "risk": approval.risk,
        "risk_reasons": list(approval.risk_reasons),
        "machine": approval.machine.why if approval.machine else None,
        "needs": [need.words for need in approval.needs],
    }


def _hit(line: FoundLine) -> dict[str, Any]:
    row = line.row
    facts = {"tool": row.tool, "command": row.command[:_LOG_TEXT], "exit_code": row.exit_code}
    return {
        "offset": row.offset,
        "at": row.at.isoformat(timespec="seconds"),
        "agent": row.agent,
        "kind": row.kind,
        "ok": row.ok,
        "text": line.excerpt.text,
        **{name: value for name, value in facts.items() if value not in {"", None}},
    }


def _line(event: dict[str, Any]) -> dict[str, Any]:
    text = orjson.dumps(event["data"].get("events") or event["data"]).decode()
    shown = text if len(text) <= _LOG_TEXT else text[:_LOG_TEXT] + " …"
    return {
        "offset": event["offset"],
        "at_ms": event["at_ms"],
        "agent": event["name"],
        "kind": event["kind"],
        "what": shown,
    }
