"""Everything of one process that touches Redis."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from broker.adapters.redis.agents.registry import RedisRegistry
from broker.adapters.redis.agents.stops import RedisStops
from broker.adapters.redis.approvals.approvals import RedisApprovals
from broker.adapters.redis.audit.imported import RedisImportedTrails
from broker.adapters.redis.audit.records import RedisAuditRecords
from broker.adapters.redis.bus import RedisBus
from broker.adapters.redis.client import TextRedis
from broker.adapters.redis.connecting.opening import open_redis
from broker.adapters.redis.hooks.deliveries import RedisDeliveries
from broker.adapters.redis.hooks.hooks import RedisHooks
from broker.adapters.redis.logs.backlog import RedisBacklog
from broker.adapters.redis.logs.event_log import RedisEventLog
from broker.adapters.redis.logs.redaction import RedisRedactionRules
from broker.adapters.redis.logs.retention import RedisRetention
from broker.adapters.redis.machines.links import RedisLinks
from broker.adapters.redis.messages.mailroom import RedisMailroom
from broker.adapters.redis.needs.failures import RedisFailures
from broker.adapters.redis.operations.installation import RedisInstallation
from broker.adapters.redis.operations.pressure import RedisPressure
from broker.adapters.redis.operations.processes import RedisProcesses
from broker.adapters.redis.people.access_changes import RedisAccessChanges
from broker.adapters.redis.people.accounts import RedisAccounts
from broker.adapters.redis.people.groups import RedisGroups
from broker.adapters.redis.people.identities import RedisIdentities
from broker.adapters.redis.people.invitations import RedisInvitations
from broker.adapters.redis.people.machine_codes import RedisMachineCodes
from broker.adapters.redis.people.members import RedisMembers
from broker.adapters.redis.people.service_accounts import RedisServiceAccounts
from broker.adapters.redis.people.sign_in_codes import RedisSignInCodes
from broker.adapters.redis.people.token_families import RedisTokenFamilies
from broker.adapters.redis.people.tokens import RedisTokens
from broker.adapters.redis.people.workspaces import RedisAdministrators, RedisWorkspaces
from broker.adapters.redis.plans.allowances import RedisAllowances
from broker.adapters.redis.plans.billing import RedisBilling
from broker.adapters.redis.plans.budgets import RedisBudgets
from broker.adapters.redis.plans.meters import RedisMeters
from broker.adapters.redis.scripts import Scripts
from broker.adapters.redis.secrets.secrets import RedisSecrets
from broker.adapters.redis.signals import RedisSignals
from broker.adapters.redis.standing import Standing
from broker.adapters.redis.timers import RedisTimers
from broker.adapters.redis.views.views import RedisViews
from broker.adapters.redis.workflows.commands import RedisCommands
from broker.adapters.redis.workflows.workflows import RedisWorkflows
from broker.domain.plans.plans import BUILT_IN, PlanTable
from broker.services.logs.stitched import StitchedLog
from broker.services.ports import EventLog, LogStore


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
    billing: RedisBilling
    failures: RedisFailures
    approvals: RedisApprovals
    redaction_rules: RedisRedactionRules
    audit: RedisAuditRecords
    imported_trails: RedisImportedTrails
    retention: RedisRetention
    tokens: RedisTokens
    service_accounts: RedisServiceAccounts
    token_families: RedisTokenFamilies
    standing: Standing
    access_changes: RedisAccessChanges
    installation: RedisInstallation
    members: RedisMembers
    groups: RedisGroups
    workspaces: RedisWorkspaces
    administrators: RedisAdministrators
    accounts: RedisAccounts
    sign_in_codes: RedisSignInCodes
    machine_codes: RedisMachineCodes
    invitations: RedisInvitations
    identities: RedisIdentities
    stops: RedisStops
    views: RedisViews
    timers: RedisTimers
    hooks: RedisHooks
    commands: RedisCommands
    deliveries: RedisDeliveries
    secrets: RedisSecrets
    workflows: RedisWorkflows
    processes: RedisProcesses
    pressure: RedisPressure


def build_adapters(
    redis_url: str,
    *,
    logs: LogStore | None = None,
    folder: Path | None = None,
    plans: PlanTable = BUILT_IN,
    trace_ratio: float = 0,
) -> Adapters:
    """Adapters for one process. `folder`: where a Redis of our own keeps its data; `trace_ratio`: of messages."""
    redis = open_redis(redis_url)
    scripts = Scripts(redis, plans)
    tail = RedisEventLog(redis)
    bus = RedisBus(redis)
    tokens = RedisTokens(redis, scripts)
    return Adapters(
        redis=redis,
        bus=bus,
        signals=RedisSignals(bus),
        tail=tail,
        log=StitchedLog(tail, logs) if logs else tail,
        logs=logs,
        backlog=RedisBacklog(redis, scripts),
        registry=RedisRegistry(redis, scripts),
        mailroom=RedisMailroom(redis, scripts, trace_ratio=trace_ratio),
        links=RedisLinks(redis, scripts, prices=plans.prices),
        allowances=RedisAllowances(scripts),
        meters=RedisMeters(redis, scripts),
        budgets=RedisBudgets(redis, scripts),
        billing=RedisBilling(redis, scripts),
        failures=RedisFailures(redis, scripts),
        approvals=RedisApprovals(redis, scripts),
        redaction_rules=RedisRedactionRules(redis, scripts),
        audit=RedisAuditRecords(redis, scripts),
        imported_trails=RedisImportedTrails(redis, scripts),
        retention=RedisRetention(redis, scripts),
        tokens=tokens,
        service_accounts=RedisServiceAccounts(redis, scripts, tokens),
        token_families=RedisTokenFamilies(redis, scripts),
        standing=scripts.standing,
        access_changes=RedisAccessChanges(bus, scripts.standing),
        installation=RedisInstallation(redis),
        members=RedisMembers(redis, scripts),
        groups=RedisGroups(redis, scripts),
        workspaces=RedisWorkspaces(redis, scripts),
        administrators=RedisAdministrators(redis),
        accounts=RedisAccounts(redis, scripts),
        sign_in_codes=RedisSignInCodes(redis, scripts),
        machine_codes=RedisMachineCodes(redis, scripts),
        invitations=RedisInvitations(redis, scripts),
        identities=RedisIdentities(redis, scripts),
        stops=RedisStops(redis, scripts),
        views=RedisViews(redis, scripts),
        timers=RedisTimers(redis, scripts),
        hooks=RedisHooks(redis, scripts),
        commands=RedisCommands(redis, scripts),
        deliveries=RedisDeliveries(redis, scripts),
        secrets=RedisSecrets(redis, scripts),
        workflows=RedisWorkflows(redis, scripts),
        processes=RedisProcesses(redis),
        pressure=RedisPressure(redis, folder=folder),
    )
