"""Looks objects up by their global id."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from broker.domain.errors import BadRequest, NotFound, NotPermitted
from broker.domain.ids import AgentId, ApprovalId, MessageId, ProxyId, SessionId
from graphql_api.context import Info
from graphql_api.node_ids import read_id
from graphql_api.types.agents import Agent
from graphql_api.types.approvals import Approval
from graphql_api.types.members import Member
from graphql_api.types.messages import Message
from graphql_api.types.node import Node
from graphql_api.types.proxies import Proxy
from graphql_api.types.questions import Question
from graphql_api.types.sessions import Session
from graphql_api.types.tokens import Token
from graphql_api.types.workspaces import Workspace, own_workspace


async def node_of(info: Info, text: str) -> Node | None:
    """The thing with that id; None when it is gone, or nothing that the caller may see. Raises `BadRequest`."""
    kind, key = read_id(text)
    find = _FINDERS.get(kind)
    if find is None:
        raise BadRequest(f"there are no things called {kind[:80]!r}", code="INVALID_ID")
    try:
        return await find(info, key)
    except (NotFound, NotPermitted):
        return None


async def _session(info: Info, key: str) -> Node | None:
    """By key alone: a name is no id."""
    services, wanted = info.context.services, SessionId(key)
    found = await services.sessions.all_by_id(info.context.principal, [wanted])
    return Session.of(found[wanted], services) if wanted in found else None


async def _agent(info: Info, key: str) -> Node:
    return Agent.of(await info.context.services.sessions.agent_by_id(info.context.principal, AgentId(key)))


async def _approval(info: Info, key: str) -> Node:
    return Approval.of(await info.context.services.desk.get(info.context.principal, ApprovalId(key)))


async def _question(info: Info, key: str) -> Node:
    return Question.of(await info.context.services.desk.question(info.context.principal, ApprovalId(key)))


async def _message(info: Info, key: str) -> Node:
    return Message.of(await info.context.services.router.trace_by_id(info.context.principal, MessageId(key)))


async def _proxy(info: Info, key: str) -> Node:
    """By key alone: a name is no id."""
    return Proxy.of(await info.context.services.sessions.proxy_by_id(info.context.principal, ProxyId(key)))


async def _token(info: Info, key: str) -> Node | None:
    found = await info.context.services.access.tokens(info.context.principal)
    return next((Token.of(each) for each in found if each.id == key), None)


async def _member(info: Info, key: str) -> Node | None:
    """By key alone: a name is no id."""
    found = await info.context.services.members.get(info.context.principal, key)
    return Member.of(found) if found.id == key else None


async def _workspace(info: Info, key: str) -> Node | None:
    return await own_workspace(info) if key == info.context.principal.workspace else None


_FINDERS: dict[str, Callable[[Info, str], Awaitable[Node | None]]] = {
    Agent.__name__: _agent,
    Approval.__name__: _approval,
    Member.__name__: _member,
    Message.__name__: _message,
    Proxy.__name__: _proxy,
    Question.__name__: _question,
    Session.__name__: _session,
    Token.__name__: _token,
    Workspace.__name__: _workspace,
}
