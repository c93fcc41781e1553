"""The gateway as an ASGI application."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import fields
from typing import Any

from mcp.server import MCPServer
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route, WebSocketRoute

from broker import __version__
from broker.app.adapters import Adapters
from broker.app.services import Clock, build_services
from broker.domain.errors import Unavailable
from broker.gateway.dashboard import Dashboard
from broker.gateway.http.api import Api
from broker.gateway.http.archive import TransferApi
from broker.gateway.http.audit import AuditApi
from broker.gateway.http.billing import BillingApi
from broker.gateway.http.budgets import BudgetsApi
from broker.gateway.http.enrolment import EnrolmentApi
from broker.gateway.http.groups import GroupsApi
from broker.gateway.http.hooks import HooksApi
from broker.gateway.http.invitations import InvitationsApi
from broker.gateway.http.log_keeping import LogKeepingApi
from broker.gateway.http.logs import LogsApi
from broker.gateway.http.people import AccessApi
from broker.gateway.http.plans import PlansApi
from broker.gateway.http.secrets import SecretsApi
from broker.gateway.http.single_sign_on import SingleSignOnApi
from broker.gateway.http.status import StatusApi
from broker.gateway.http.stops import StopsApi
from broker.gateway.http.tokens import TokensApi
from broker.gateway.http.webhooks import WebhooksApi
from broker.gateway.http.workflows import WorkflowsApi
from broker.gateway.http.workspaces import AdministrationApi, WorkspacesApi
from broker.gateway.mcp import ToolsApplication
from broker.gateway.serving.answers import Refusal, guard, wrong_method
from broker.gateway.serving.credentials import Cookie, credential
from broker.gateway.serving.edge import Edge, Origins, broken
from broker.gateway.serving.hosts import Hosts, names_of_machine
from broker.gateway.serving.request_meter import RequestMeter
from broker.gateway.serving.sub_path import SubPath, require_unlike
from broker.gateway.serving.workspace_path import WorkspacePath, read_workspace
from broker.gateway.sockets.direct import DirectSocket
from broker.gateway.sockets.events import EventSocket
from broker.gateway.sockets.proxies import ProxySocket
from broker.runtime.collector import settle_heap
from broker.runtime.metrics_access import MetricsAccess, on_gateway
from broker.services.container import Services
from broker.services.logs.health import LogHealth
from broker.services.machines.linking import Linking
from broker.services.people.open_connections import OpenConnections
from broker.settings import Settings
from graphql_api.context import ApiServices
from graphql_api.execution.common_answers import CommonAnswers
from graphql_api.execution.documents import Documents, load_documents
from graphql_api.execution.operations import Operations
from graphql_api.schema import build_schema
from graphql_api.serving.explorer import Explorer
from graphql_api.serving.running import Engine
from graphql_api.serving.socket import GraphQLSocket
from graphql_api.serving.view import GraphQLView

_log = logging.getLogger(__name__)


_BEAT_S = 5.0


_READY_S = 2
"""Of /readyz, for Redis: one that takes longer is away, and whoever asks must hear so before it gives up."""


def build_app(settings: Settings, *, adapters: Adapters, clock: Clock = time.time) -> Starlette:
    """The gateway as an ASGI application; its lifespan runs what it needs in the background.

    `clock`: Unix time, by which tokens end. Raises `BadRequest` for a public URL whose path is like one of the routes.
    """
    services = build_services(settings, adapters, clock=clock)
    connections = OpenConnections(services.access, clock=clock)
    tools = ToolsApplication(services)

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        async with _background(adapters, connections, tools.server, linking=services.linking):
            settle_heap()
            yield
        del app

    dashboard = Dashboard(path=settings.path)
    hosts = Hosts(settings.url, (*settings.allowed_hosts, *names_of_machine(settings.host)))
    origins = Origins(*settings.allowed_origins, settings.origin)
    app = Starlette(
        routes=[
            *_health_routes(adapters, services.log_health, on_gateway(settings)),
            *Api(services).routes(),
            *AccessApi(services).routes(),
            *TokensApi(services).routes(),
            *GroupsApi(services).routes(),
            *InvitationsApi(services).routes(),
            *SingleSignOnApi(services).routes(),
            *EnrolmentApi(services).routes(),
            *WorkspacesApi(services).routes(),
            *AdministrationApi(services).routes(),
            *LogKeepingApi(services).routes(),
            *StatusApi(services).routes(),
            *PlansApi(services).routes(),
            *BudgetsApi(services).routes(),
            *BillingApi(services).routes(),
            *StopsApi(services).routes(),
            *HooksApi(services).routes(),
            *SecretsApi(services).routes(),
            *WorkflowsApi(services).routes(),
            *WebhooksApi(services).routes(),
            *AuditApi(services).routes(),
            *TransferApi(services).routes(),
            *LogsApi(services).routes(),
            WebSocketRoute("/v1/sessions/{session}/events", EventSocket(services, connections).serve),
            WebSocketRoute("/proxy", ProxySocket(services, connections).serve),
            WebSocketRoute("/agent/{name}", DirectSocket(services, connections).serve),
            Route("/mcp", tools, methods=["POST"]),  # the stream of a GET would never say anything
            *_graphql_routes(services, settings, connections),
            *dashboard.routes(),
        ],
        exception_handlers={404: dashboard.missing, 405: wrong_method, Exception: broken},
        middleware=[
            Middleware(SubPath, path=settings.path),
            Middleware(WorkspacePath),
            Middleware(RequestMeter, rate=settings.requests),
            Middleware(Edge, hosts=hosts, origins=origins, refusals=adapters.audit),
        ],
        lifespan=lifespan,
    )
    require_unlike(settings.path, app.routes)
    app.state.connections = connections
    app.state.origins = origins
    app.state.cookie = Cookie.of(settings.url)
    return app


def _graphql_routes(services: Services, settings: Settings, connections: OpenConnections) -> list[BaseRoute]:
    engine = Engine(
        services=_api_services(services),
        operations=Operations(build_schema(), settings.graphql.limits),
        documents=_documents(settings),
        connections=connections,
        common=CommonAnswers() if settings.fan_out_in_common else None,
    )
    explorer = Explorer(settings.graphql.graphiql) if settings.graphql.graphiql else None
    view = GraphQLView(engine, credential, unread_s=settings.unread_s, explorer=explorer)
    socket = GraphQLSocket(engine, credential, named=read_workspace)
    routes: list[BaseRoute] = [Route("/graphql", view), WebSocketRoute("/graphql", socket.serve)]
    if explorer:
        routes.append(Route("/graphql/graphiql/{name}", explorer.asset))
    return routes


def _documents(settings: Settings) -> Documents:
    texts = load_documents(settings.graphql.trusted_documents) if settings.graphql.trusted_documents else {}
    return Documents(settings.graphql.document_trust, texts)


def _api_services(services: Services) -> ApiServices:
    return ApiServices(**{each.name: getattr(services, each.name) for each in fields(ApiServices)})


@asynccontextmanager
async def _background(
    adapters: Adapters, connections: OpenConnections, mcp_server: MCPServer[Any], *, linking: Linking
) -> AsyncIterator[None]:
    async with AsyncExitStack() as stack:
        stack.push_async_callback(adapters.redis.aclose)
        await stack.enter_async_context(mcp_server.session_manager.run())
        tasks = [
            asyncio.create_task(adapters.bus.run(), name="bus"),
            asyncio.create_task(_beat(linking)),
            asyncio.create_task(connections.run()),
        ]
        stack.push_async_callback(_cancel, tasks)
        stop = await adapters.access_changes.follow(connections.access_changed)
        stack.push_async_callback(stop)
        yield


async def _beat(linking: Linking) -> None:
    """Say which connections we have."""
    while True:
        for workspace in linking.workspaces():
            try:
                await linking.renew(workspace)
            except Exception as error:  # the top of a task: without the next renewals all links would count as away
                _log.warning("leases of links not renewed: %s", type(error).__name__)
        await asyncio.sleep(_BEAT_S)


async def _cancel(tasks: list[asyncio.Task[None]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


def _health_routes(adapters: Adapters, logs: LogHealth, may_read_metrics: MetricsAccess) -> list[BaseRoute]:
    async def alive(_request: Request) -> Response:
        return JSONResponse({"ok": True, "version": __version__})

    async def ready(_request: Request) -> Response:
        try:
            async with asyncio.timeout(_READY_S):
                await adapters.redis.require_writable()
        except TimeoutError:
            return Refusal(Unavailable(f"the broker's store does not answer within {_READY_S} s"))
        except Unavailable as away:
            return Refusal(away)
        except Exception as error:  # whatever it is, nothing can be served
            _log.exception("the store cannot be used")
            return Refusal(Unavailable(f"the broker's store cannot be used: {type(error).__name__}"))
        try:
            async with asyncio.timeout(_READY_S):
                await adapters.bus.check()
        except (Unavailable, TimeoutError):  # revocations, commands and events would arrive late or never
            return Refusal(Unavailable("what is published on redis is not heard here"))
        return JSONResponse({"ok": True, "redis": "ready", "logs": await logs.state()})

    async def metrics(request: Request) -> Response:
        may_read_metrics.require(request.headers.get("authorization"))
        return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)

    return [Route("/healthz", alive), Route("/readyz", ready), Route("/metrics", guard(metrics))]
