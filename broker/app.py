"""The composition root: builds the processes out of adapters, services and edges. Nothing else joins them."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import orjson
from mcp.server import MCPServer
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route, WebSocketRoute

from broker import __version__
from broker.adapters.checkpoint_file import CheckpointFile
from broker.adapters.outbound.client import GuardedClient
from broker.adapters.outbound.notifying import AppriseNotifier
from broker.adapters.redis.agents.registry import RedisRegistry
from broker.adapters.redis.agents.stops import RedisStops
from broker.adapters.redis.approvals.approvals import RedisApprovals
from broker.adapters.redis.audit.records import RedisAuditRecords
from broker.adapters.redis.bus import RedisBus
from broker.adapters.redis.client import TextRedis, open_redis
from broker.adapters.redis.hooks.deliveries import RedisDeliveries
from broker.adapters.redis.hooks.hooks import RedisHooks
from broker.adapters.redis.logs.backlog import RedisBacklog
from broker.adapters.redis.logs.event_log import RedisEventLog
from broker.adapters.redis.logs.redaction import RedisRedactionRules
from broker.adapters.redis.logs.restoring import RedisRestoring
from broker.adapters.redis.logs.retention import RedisRetention
from broker.adapters.redis.machines.links import RedisLinks
from broker.adapters.redis.messages.mailroom import RedisMailroom
from broker.adapters.redis.operations.installation import RedisInstallation
from broker.adapters.redis.operations.pressure import RedisPressure
from broker.adapters.redis.operations.processes import RedisProcesses
from broker.adapters.redis.people.access_changes import RedisAccessChanges
from broker.adapters.redis.people.accounts import RedisAccounts
from broker.adapters.redis.people.members import RedisMembers
from broker.adapters.redis.people.sign_in_codes import RedisSignInCodes
from broker.adapters.redis.people.token_families import RedisTokenFamilies
from broker.adapters.redis.people.tokens import RedisTokens
from broker.adapters.redis.people.workspaces import RedisAdministrators, RedisWorkspaces
from broker.adapters.redis.plans.allowances import RedisAllowances
from broker.adapters.redis.plans.budgets import RedisBudgets
from broker.adapters.redis.plans.meters import RedisMeters
from broker.adapters.redis.requests import RedisRequests
from broker.adapters.redis.scripts import Scripts
from broker.adapters.redis.secrets.secrets import RedisSecrets
from broker.adapters.redis.signals import RedisSignals
from broker.adapters.redis.timers import RedisTimers
from broker.adapters.redis.workflows.commands import RedisCommands
from broker.adapters.redis.workflows.workflows import RedisWorkflows
from broker.adapters.sealing import AesGcmSealing
from broker.adapters.trigger_search import automaton
from broker.domain.errors import Unavailable
from broker.domain.ids import WorkspaceId
from broker.domain.outbound.addresses import AddressPolicy
from broker.domain.plans.plans import BUILT_IN, PlanTable
from broker.gateway.dashboard import Dashboard
from broker.gateway.http.api import Api
from broker.gateway.http.archive import TransferApi
from broker.gateway.http.audit import AuditApi
from broker.gateway.http.budgets import BudgetsApi
from broker.gateway.http.hooks import HooksApi
from broker.gateway.http.log_keeping import LogKeepingApi
from broker.gateway.http.logs import LogsApi
from broker.gateway.http.people import AccessApi
from broker.gateway.http.plans import PlansApi
from broker.gateway.http.secrets import SecretsApi
from broker.gateway.http.status import StatusApi
from broker.gateway.http.stops import StopsApi
from broker.gateway.http.workflows import WorkflowsApi
from broker.gateway.http.workspaces import AdministrationApi, WorkspacesApi
from broker.gateway.mcp import ToolsApplication
from broker.gateway.serving.answers import Refusal, guarded, not_found, wrong_method
from broker.gateway.serving.credentials import Cookie, credential
from broker.gateway.serving.edge import Edge, Origins, broken
from broker.gateway.serving.hosts import Hosts, names_of_machine
from broker.gateway.serving.sub_path import SubPath, require_unlike
from broker.gateway.serving.visitors import recognise, slow_down
from broker.gateway.serving.workspace_path import WorkspacePath, named_workspace
from broker.gateway.sockets.direct import DirectSocket
from broker.gateway.sockets.events import EventSocket
from broker.gateway.sockets.proxies import ProxySocket
from broker.runtime.collector import settle_heap
from broker.runtime.metrics_access import MetricsAccess, on_gateway
from broker.services.agents.sessions import Sessions
from broker.services.agents.spawner import Spawner
from broker.services.agents.stops import Stops
from broker.services.approvals.desk import ApprovalDesk
from broker.services.audit.sealing import AuditSealer
from broker.services.audit.trail import AuditTrail
from broker.services.container import Services
from broker.services.deadlines import Deadlines
from broker.services.hooks.definitions import Hooks
from broker.services.hooks.deliveries import HookDeliveries
from broker.services.hooks.dispatch import HookDispatcher
from broker.services.hooks.trial import HookTrials
from broker.services.live.activity import Activity
from broker.services.live.feeds import Feeds
from broker.services.live.hub import Hub
from broker.services.logs.archive import Transfer
from broker.services.logs.file_history import FileHistory
from broker.services.logs.health import LogHealth
from broker.services.logs.reader import LogReader
from broker.services.logs.retention import LogRetention, RetentionKeeper
from broker.services.logs.search import LogSearch
from broker.services.logs.shipping import Shipper
from broker.services.logs.stitched import StitchedLog
from broker.services.machines.linking import Linking
from broker.services.messages.router import Router
from broker.services.operations.administration import Administration
from broker.services.operations.ending import WorkspaceEnding
from broker.services.operations.status import StatusReport
from broker.services.operations.survey import Surveyor
from broker.services.people.access import Access
from broker.services.people.members import Members
from broker.services.people.open_connections import OpenConnections
from broker.services.people.short_lived_tokens import ShortLivedTokens
from broker.services.people.sign_in import SignIn
from broker.services.people.web_links import sign_in_url
from broker.services.people.workspaces import Workspaces
from broker.services.plans.allowance import Allowance
from broker.services.plans.budgets import Budgets
from broker.services.plans.metering import Metering
from broker.services.plans.standing import Plans
from broker.services.plans.usage import UsageMeter
from broker.services.ports import EventLog, LogStore, Outbound
from broker.services.redaction import Redaction
from broker.services.requests import Requests
from broker.services.secrets.secrets import SecretReader, Secrets
from broker.services.workflows.agent_steps import AgentSteps
from broker.services.workflows.command_steps import CommandSteps
from broker.services.workflows.definitions import Definitions
from broker.services.workflows.driver import Driver
from broker.services.workflows.gates import Gates
from broker.services.workflows.machine_commands import MachineCommands
from broker.services.workflows.reach import RunReach
from broker.services.workflows.runs import WorkflowRuns
from broker.services.workflows.signs import AgentSigns
from broker.services.workflows.waits import Waits
from broker.settings import Settings
from broker.workers.audit import AuditWorker
from broker.workers.deliveries import DeliveryWorker
from broker.workers.ending import EndingWorker
from broker.workers.hooks import HookWorker
from broker.workers.resealing import ResealingWorker
from broker.workers.retention import RetentionWorker
from broker.workers.shipping import ShippingWorker
from broker.workers.survey import SurveyWorker
from broker.workers.timekeeper import Timekeeper
from broker.workers.workflows import WorkflowWorker
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
Clock = Callable[[], float]
_READY_S = 2
"""Of /readyz, for Redis: one that takes longer is away, and whoever asks must hear so before it gives up."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Adapters:
    """Everything that touches Redis, over one client."""

    redis: TextRedis
    bus: RedisBus
    signals: RedisSignals
    tail: RedisEventLog
    """What of a log is still in Redis."""
    log: EventLog
    """The whole log: the tail, and the history where there is a log store."""
    logs: LogStore | None
    backlog: RedisBacklog
    registry: RedisRegistry
    mailroom: RedisMailroom
    links: RedisLinks
    allowances: RedisAllowances
    meters: RedisMeters
    budgets: RedisBudgets
    approvals: RedisApprovals
    redaction_rules: RedisRedactionRules
    audit: RedisAuditRecords
    retention: RedisRetention
    tokens: RedisTokens
    token_families: RedisTokenFamilies
    access_changes: RedisAccessChanges
    installation: RedisInstallation
    members: RedisMembers
    workspaces: RedisWorkspaces
    administrators: RedisAdministrators
    accounts: RedisAccounts
    sign_in_codes: RedisSignInCodes
    stops: RedisStops
    timers: RedisTimers
    hooks: RedisHooks
    commands: RedisCommands
    deliveries: RedisDeliveries
    secrets: RedisSecrets
    workflows: RedisWorkflows
    processes: RedisProcesses
    pressure: RedisPressure


def build_adapters(
    redis_url: str, *, logs: LogStore | None = None, folder: Path | None = None, plans: PlanTable = BUILT_IN
) -> Adapters:
    """Adapters for one process. `folder`: where a Redis of our own keeps its data."""
    redis = open_redis(redis_url)
    scripts = Scripts(redis, plans)
    tail = RedisEventLog(redis)
    bus = RedisBus(redis)
    return Adapters(
        redis=redis,
        bus=bus,
        signals=RedisSignals(bus),
        tail=tail,
        log=StitchedLog(tail, logs) if logs else tail,
        logs=logs,
        backlog=RedisBacklog(redis, scripts),
        registry=RedisRegistry(redis, scripts),
        mailroom=RedisMailroom(redis, scripts),
        links=RedisLinks(redis, scripts),
        allowances=RedisAllowances(scripts),
        meters=RedisMeters(redis, scripts),
        budgets=RedisBudgets(redis, scripts),
        approvals=RedisApprovals(redis, scripts),
        redaction_rules=RedisRedactionRules(redis, scripts),
        audit=RedisAuditRecords(redis, scripts),
        retention=RedisRetention(redis, scripts),
        tokens=RedisTokens(redis, scripts),
        token_families=RedisTokenFamilies(redis, scripts),
        access_changes=RedisAccessChanges(bus),
        installation=RedisInstallation(redis),
        members=RedisMembers(redis, scripts),
        workspaces=RedisWorkspaces(redis, scripts),
        administrators=RedisAdministrators(redis),
        accounts=RedisAccounts(redis, scripts),
        sign_in_codes=RedisSignInCodes(redis, scripts),
        stops=RedisStops(redis, scripts),
        timers=RedisTimers(redis, scripts),
        hooks=RedisHooks(redis, scripts),
        commands=RedisCommands(redis, scripts),
        deliveries=RedisDeliveries(redis, scripts),
        secrets=RedisSecrets(redis, scripts),
        workflows=RedisWorkflows(redis, scripts),
        processes=RedisProcesses(redis),
        pressure=RedisPressure(redis, folder=folder),
    )


def build_services(settings: Settings, adapters: Adapters, *, clock: Clock = time.time) -> Services:
    """The services of one gateway process. `clock`: Unix time, by which tokens end."""
    hub = Hub(adapters.log, adapters.signals)
    access = Access(
        adapters.tokens,
        adapters.registry,
        adapters.members,
        adapters.workspaces,
        adapters.accounts,
        clock=clock,
        on_authenticated=recognise,
        on_refused=slow_down,
    )
    short_lived = ShortLivedTokens(
        adapters.token_families, adapters.sign_in_codes, accounts=access.accounts, clock=clock
    )
    sessions = Sessions(adapters.registry, adapters.log)
    redaction = Redaction(adapters.redaction_rules, search=automaton)
    desk = ApprovalDesk(adapters.approvals, redaction, deadline_s=settings.approval_deadline_s)
    log_reader = LogReader(adapters.tail, adapters.logs)
    log_health = LogHealth(adapters.logs)
    members = Members(adapters.members, adapters.tokens, access.accounts)
    sign_in = SignIn(
        adapters.members,
        adapters.sign_in_codes,
        tokens=adapters.tokens,
        families=adapters.token_families,
        accounts=access.accounts,
        clock=clock,
    )
    workspaces = Workspaces(
        adapters.workspaces,
        access,
        members=members,
        sign_in=sign_in,
        attempts=adapters.sign_in_codes,
        sign_up=settings.sign_up,
    )
    definitions = Definitions(adapters.workflows)
    reach = RunReach(adapters.workflows, definitions, adapters.registry, mailroom=adapters.mailroom)
    meter = UsageMeter(adapters.logs, adapters.mailroom, plans=settings.plan_table)
    return Services(
        access=access,
        allowance=Allowance(adapters.allowances, settings.graphql.limits, settings.plan_table),
        sessions=sessions,
        log_reader=log_reader,
        file_history=FileHistory(log_reader),
        log_search=LogSearch(adapters.logs, sessions),
        requests=Requests(RedisRequests(adapters.redis, Scripts(adapters.redis))),
        router=Router(adapters.mailroom, adapters.registry, redaction, reach=reach),
        spawner=Spawner(
            adapters.mailroom,
            adapters.registry,
            adapters.log,
            members=adapters.members,
            hub=hub,
            redaction=redaction,
        ),
        desk=desk,
        stops=Stops(adapters.stops, adapters.registry, redaction),
        linking=Linking(
            adapters.links,
            adapters.registry,
            sessions,
            access=access,
            short_lived=short_lived,
            desk=desk,
            redaction=redaction,
        ),
        redaction=redaction,
        meter=meter,
        budgets=Budgets(adapters.budgets, sessions, adapters.registry),
        metering=Metering(adapters.meters, adapters.log, adapters.registry),
        plans=Plans(adapters.pressure, meter, settings.plan_table),
        retention=LogRetention(
            adapters.retention, adapters.logs, adapters.registry, adapters.backlog, audit=adapters.audit
        ),
        transfer=_transfer(adapters),
        members=members,
        sign_in=sign_in,
        short_lived=short_lived,
        workspaces=workspaces,
        administration=Administration(
            adapters.administrators,
            adapters.workspaces,
            workspaces,
            pressure=adapters.pressure,
            logs=adapters.logs,
        ),
        status=StatusReport(
            adapters.processes,
            adapters.pressure,
            adapters.registry,
            adapters.logs,
            log_health=log_health,
            version=__version__,
        ),
        log_health=log_health,
        hooks=Hooks(adapters.hooks, adapters.deliveries, adapters.secrets, plans=settings.plan_table),
        hook_trials=HookTrials(
            adapters.hooks,
            adapters.log,
            adapters.registry,
            dispatcher=_dispatcher(settings, adapters, redaction),
            public_url=settings.url,
        ),
        secrets=Secrets(adapters.secrets, AesGcmSealing(settings.secret_keys)),
        workflows=WorkflowRuns(adapters.workflows, definitions, sessions, plans=settings.plan_table),
        audit=AuditTrail(adapters.audit, adapters.members, adapters.tokens),
        hub=hub,
        feeds=Feeds(hub, adapters.log),
        activity=Activity(adapters.signals),
        signals=adapters.signals,
        public_url=settings.url,
    )


def _transfer(adapters: Adapters) -> Transfer:
    return Transfer(
        adapters.logs,
        adapters.registry,
        adapters.backlog,
        approvals=adapters.approvals,
        tokens=adapters.tokens,
        redaction=adapters.redaction_rules,
        retention=adapters.retention,
        restoring=RedisRestoring(Scripts(adapters.redis)),
        audit=adapters.audit,
    )


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

    hosts = Hosts(settings.url, (*settings.allowed_hosts, *names_of_machine(settings.host)))
    origins = Origins(*settings.allowed_origins, settings.origin)
    app = Starlette(
        routes=[
            *_health_routes(adapters, services.log_health, on_gateway(settings)),
            *Api(services).routes(),
            *AccessApi(services).routes(),
            *WorkspacesApi(services).routes(),
            *AdministrationApi(services).routes(),
            *LogKeepingApi(services).routes(),
            *StatusApi(services).routes(),
            *PlansApi(services).routes(),
            *BudgetsApi(services).routes(),
            *StopsApi(services).routes(),
            *HooksApi(services).routes(),
            *SecretsApi(services).routes(),
            *WorkflowsApi(services).routes(),
            *AuditApi(services).routes(),
            *TransferApi(services).routes(),
            *LogsApi(services).routes(),
            WebSocketRoute("/v1/sessions/{session}/events", EventSocket(services, connections).serve),
            WebSocketRoute("/proxy", ProxySocket(services, connections).serve),
            WebSocketRoute("/agent/{name}", DirectSocket(services, connections).serve),
            Route("/mcp", tools),
            *_graphql_routes(services, settings, connections),
            *Dashboard(path=settings.path).routes(),
        ],
        exception_handlers={404: not_found, 405: wrong_method, Exception: broken},
        middleware=[
            Middleware(SubPath, path=settings.path),
            Middleware(WorkspacePath),
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
    socket = GraphQLSocket(engine, credential, named=named_workspace)
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
        stack.push_async_callback(_cancelled, tasks)
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


async def _cancelled(tasks: list[asyncio.Task[None]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


def build_shipping(adapters: Adapters, logs: LogStore, *, alone: bool) -> ShippingWorker:
    """The worker that moves logs to the log store; `alone` when the store is in this very process."""
    shipper = Shipper(adapters.tail, adapters.backlog, logs, adapters.registry)
    return ShippingWorker(adapters.timers, adapters.backlog, shipper, alone=alone)


def build_retention(adapters: Adapters, logs: LogStore) -> RetentionWorker:
    """The worker that dates and forgets logs."""
    return RetentionWorker(adapters.timers, RetentionKeeper(adapters.retention, logs, adapters.registry))


def _dispatcher(settings: Settings, adapters: Adapters, redaction: Redaction) -> HookDispatcher:
    return HookDispatcher(
        adapters.hooks,
        adapters.log,
        adapters.registry,
        mailroom=adapters.mailroom,
        workspaces=adapters.workspaces,
        redaction=redaction,
        public_url=settings.url,
    )


def build_hooks(settings: Settings, adapters: Adapters, *, alone: bool) -> HookWorker:
    """The worker that looks for what hooks wait for; `alone` when there can be no other."""
    redaction = Redaction(adapters.redaction_rules, search=automaton)
    dispatcher = _dispatcher(settings, adapters, redaction)
    return HookWorker(adapters.timers, adapters.hooks, dispatcher, alone=alone)


def build_deliveries(settings: Settings, adapters: Adapters, *, outbound: Outbound | None = None) -> DeliveryWorker:
    """The worker that delivers what hooks send. `outbound`: in place of the guarded client."""
    deliveries = HookDeliveries(
        adapters.deliveries,
        SecretReader(adapters.secrets, AesGcmSealing(settings.secret_keys)),
        outbound or GuardedClient(AddressPolicy(settings.allow_outbound)),
        AppriseNotifier(settings.allow_outbound),
        redaction=Redaction(adapters.redaction_rules, search=automaton),
    )
    return DeliveryWorker(adapters.timers, adapters.deliveries, deliveries)


def build_resealing(settings: Settings, adapters: Adapters) -> ResealingWorker:
    """The worker that seals secrets with the present key."""
    reader = SecretReader(adapters.secrets, AesGcmSealing(settings.secret_keys))
    return ResealingWorker(adapters.timers, reader)


def build_workflows(settings: Settings, adapters: Adapters) -> WorkflowWorker:
    """The worker that drives runs of workflows."""
    return WorkflowWorker(adapters.timers, adapters.workflows, build_driver(settings, adapters))


def build_driver(settings: Settings, adapters: Adapters) -> Driver:
    """What brings one run as far as it comes."""
    services = build_services(settings, adapters)
    commands = MachineCommands(adapters.commands, adapters.registry, services.spawner)
    return Driver(
        adapters.workflows,
        Definitions(adapters.workflows),
        adapters.registry,
        access=services.access,
        agents=AgentSteps(
            services.spawner,
            adapters.registry,
            adapters.mailroom,
            commands=commands,
            signs=AgentSigns(adapters.log),
        ),
        commands=CommandSteps(commands),
        gates=Gates(adapters.approvals, services.redaction),
        waits=Waits(adapters.log),
    )


def build_audit(adapters: Adapters, checkpoints: Path | None) -> AuditWorker:
    """The worker that seals audit trails, and adds checkpoints of them to a file."""
    file = CheckpointFile(checkpoints) if checkpoints else None
    return AuditWorker(adapters.timers, AuditSealer(adapters.audit, file))


def build_ending(adapters: Adapters, logs: LogStore | None) -> EndingWorker:
    """The worker that removes what was deleted."""
    return EndingWorker(adapters.workspaces, WorkspaceEnding(adapters.workspaces, adapters.backlog, logs))


def build_survey(adapters: Adapters, logs: LogStore | None) -> SurveyWorker:
    """The worker that measures the whole installation."""
    return SurveyWorker(
        Surveyor(adapters.processes, adapters.pressure, adapters.workspaces, logs, log_health=LogHealth(logs))
    )


def build_timekeeper(settings: Settings, adapters: Adapters) -> Timekeeper:
    """The worker."""
    redaction = Redaction(adapters.redaction_rules, search=automaton)
    desk = ApprovalDesk(adapters.approvals, redaction, deadline_s=settings.approval_deadline_s)
    return Timekeeper(adapters.timers, Deadlines(adapters.timers, desk), adapters.links)


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

    return [Route("/healthz", alive), Route("/readyz", ready), Route("/metrics", guarded(metrics))]


async def dashboard_link(settings: Settings, services: Services, workspace: WorkspaceId) -> str:
    """A link that signs the first owner in, once; the owner is made at the first start."""
    owner = await services.members.ensure_owner(workspace, settings.owner)
    return sign_in_url(settings.url, await services.sign_in.issue(workspace, owner))


def ready_line(settings: Settings, *, dashboard: str | None = None) -> bytes:
    """What `--json` prints when a process is ready."""
    return orjson.dumps(
        {
            "url": settings.url,
            "graphql": f"{settings.url}/graphql",
            "mcp": f"{settings.url}/mcp",
            **({"token_file": str(settings.key_file)} if settings.key_file.exists() else {}),
            "version": __version__,
            **({"dashboard": dashboard} if dashboard else {}),
        }
    )
