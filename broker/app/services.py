"""The services of one process, built feature by feature."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from broker import __version__
from broker.adapters.oidc.providers import OidcProviders
from broker.adapters.outbound.client import GuardedClient
from broker.adapters.redis.logs.restoring import RedisRestoring
from broker.adapters.redis.requests import RedisRequests
from broker.adapters.redis.scripts import Scripts
from broker.adapters.sealing import AesGcmSealing
from broker.adapters.signing import Ed25519Signing
from broker.adapters.trigger_search import automaton
from broker.adapters.webhook_tokens import HmacWebhookTokens
from broker.app.adapters import Adapters
from broker.domain.outbound.addresses import AddressPolicy
from broker.domain.plans.billing import require_billable
from broker.gateway.serving.visitors import recognise, slow_down
from broker.services.agents.sessions import Sessions
from broker.services.agents.spawner import Spawner
from broker.services.agents.stops import Stops
from broker.services.approvals.desk import ApprovalDesk
from broker.services.approvals.rule_book import RuleBook, RuleTrials
from broker.services.audit.archiving import TrailArchiving
from broker.services.audit.trail import AuditTrail
from broker.services.container import Services
from broker.services.hooks.deciding import HookDecisions
from broker.services.hooks.definitions import Hooks
from broker.services.hooks.dispatch import HookDispatcher
from broker.services.hooks.starting import HookStarts
from broker.services.hooks.trial import HookTrials
from broker.services.live.activity import Activity
from broker.services.live.feeds import Feeds
from broker.services.live.hub import Hub
from broker.services.logs.archive import Transfer
from broker.services.logs.file_history import FileHistory
from broker.services.logs.health import LogHealth
from broker.services.logs.reader import LogReader
from broker.services.logs.retention import LogRetention
from broker.services.logs.search import LogSearch
from broker.services.machines.linking import Linking
from broker.services.messages.router import Router
from broker.services.needs.needs import Needs
from broker.services.needs.run_needs import RunsNeeds
from broker.services.operations.administration import Administration
from broker.services.operations.status import StatusReport
from broker.services.people.access import Access
from broker.services.people.archiving import PeopleArchiving
from broker.services.people.enrolment import Enrolment
from broker.services.people.groups import Groups
from broker.services.people.invitations import Invitations
from broker.services.people.members import Members
from broker.services.people.scoped_tokens import ScopedTokens
from broker.services.people.short_lived_tokens import ShortLivedTokens
from broker.services.people.sign_in import SignIn
from broker.services.people.single_sign_on import SingleSignOn
from broker.services.people.workspaces import Workspaces
from broker.services.plans.allowance import Allowance
from broker.services.plans.billing import Billing
from broker.services.plans.budgets import Budgets
from broker.services.plans.metering import Metering
from broker.services.plans.standing import Plans
from broker.services.plans.subscriptions import SubscriptionKeeper
from broker.services.plans.usage import UsageMeter
from broker.services.ports import PaymentProvider
from broker.services.redaction import Redaction
from broker.services.requests import Requests
from broker.services.secrets.secrets import SecretReader, Secrets
from broker.services.views.views import Views
from broker.services.workflows.checking import WorkflowChecks
from broker.services.workflows.definitions import Definitions
from broker.services.workflows.reach import RunReach
from broker.services.workflows.reruns import Reruns
from broker.services.workflows.runs import WorkflowRuns
from broker.services.workflows.webhooks import WebhookAddresses, Webhooks
from broker.settings import Settings

Clock = Callable[[], float]


def build_services(settings: Settings, adapters: Adapters, *, clock: Clock = time.time) -> Services:
    """The services of one gateway process. `clock`: Unix time, by which tokens end."""
    hub, activity = Hub(adapters.log, adapters.signals), Activity(adapters.signals)
    access = _access(adapters, clock=clock)
    people = _people(settings, adapters, access, clock=clock)
    sessions = Sessions(adapters.registry, adapters.log)
    redaction = Redaction(adapters.redaction_rules, search=automaton)
    desk = ApprovalDesk(adapters.approvals, redaction, deadline_s=settings.approval_deadline_s)
    log_reader, log_health = LogReader(adapters.tail, adapters.logs), LogHealth(adapters.logs)
    runs, money = _runs(settings, adapters, sessions), _money(settings, adapters, sessions)
    return Services(
        access=access,
        allowance=Allowance(adapters.allowances, settings.graphql.limits, settings.plan_table),
        sessions=sessions,
        log_reader=log_reader,
        file_history=FileHistory(log_reader),
        log_search=LogSearch(adapters.logs, sessions),
        requests=Requests(RedisRequests(adapters.redis, Scripts(adapters.redis))),
        router=Router(adapters.mailroom, adapters.registry, redaction, reach=runs.reach),
        spawner=_spawner(adapters, hub, redaction),
        desk=desk,
        rules=RuleBook(adapters.approvals),
        rule_trials=RuleTrials(adapters.approvals, adapters.registry, clock=clock),
        stops=Stops(adapters.stops, adapters.registry, redaction),
        views=Views(adapters.views),
        linking=_linking(adapters, people, access=access, sessions=sessions, desk=desk, redaction=redaction),
        redaction=redaction,
        meter=money.meter,
        budgets=money.budgets,
        billing=money.billing,
        subscriptions=money.subscriptions,
        metering=Metering(adapters.meters, adapters.log, adapters.registry),
        plans=money.plans,
        needs=_needs(adapters, desk, plans=money.plans, activity=activity),
        retention=_retention(adapters),
        transfer=_transfer(adapters),
        members=people.members,
        groups=Groups(adapters.groups, adapters.members),
        sign_in=people.sign_in,
        single_sign_on=_single_sign_on(settings, adapters, people.sign_in, clock=clock),
        invitations=people.invitations,
        enrolment=people.enrolment,
        short_lived=people.short_lived,
        scoped_tokens=ScopedTokens(adapters.service_accounts, adapters.tokens, clock=clock),
        workspaces=people.workspaces,
        administration=_administration(adapters, people.workspaces),
        status=_status(adapters, log_health),
        log_health=log_health,
        hooks=_hooks(settings, adapters),
        hook_trials=_hook_trials(
            settings, adapters, redaction, starts=build_starts(adapters, access, sessions, runs.workflows)
        ),
        secrets=Secrets(adapters.secrets, AesGcmSealing(settings.secret_keys)),
        workflows=runs.workflows,
        reruns=runs.reruns,
        run_needs=runs.needs,
        webhooks=runs.webhooks,
        workflow_checks=WorkflowChecks(),
        audit=AuditTrail(
            adapters.audit,
            adapters.members,
            tokens=adapters.tokens,
            accounts=adapters.service_accounts,
            plans=settings.plan_table,
            keys=Ed25519Signing(settings.secret_keys).keys,
        ),
        trail_archiving=TrailArchiving(
            adapters.audit,
            adapters.imported_trails,
            Ed25519Signing(settings.secret_keys),
            plans=settings.plan_table,
            clock=clock,
        ),
        hub=hub,
        feeds=Feeds(hub, adapters.log),
        activity=activity,
        signals=adapters.signals,
        public_url=settings.url,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _People:
    members: Members
    sign_in: SignIn
    invitations: Invitations
    enrolment: Enrolment
    short_lived: ShortLivedTokens
    workspaces: Workspaces


@dataclass(frozen=True, slots=True, kw_only=True)
class _Money:
    meter: UsageMeter
    plans: Plans
    budgets: Budgets
    billing: Billing
    subscriptions: SubscriptionKeeper


def _money(settings: Settings, adapters: Adapters, sessions: Sessions) -> _Money:
    table = settings.plan_table
    provider = build_payment_provider(settings)
    subscriptions = build_subscriptions(settings, adapters, provider)
    meter = UsageMeter(adapters.logs, adapters.mailroom, plans=table)
    return _Money(
        meter=meter,
        plans=Plans(adapters.pressure, meter, table, hooks=adapters.hooks, retention=adapters.retention),
        budgets=Budgets(
            adapters.budgets, sessions, adapters.registry, members=adapters.members, signals=adapters.signals
        ),
        billing=Billing(adapters.billing, adapters.workspaces, keeper=subscriptions, provider=provider, table=table),
        subscriptions=subscriptions,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Runs:
    workflows: WorkflowRuns
    reruns: Reruns
    needs: RunsNeeds
    reach: RunReach
    webhooks: Webhooks


def _runs(settings: Settings, adapters: Adapters, sessions: Sessions) -> _Runs:
    definitions = Definitions(adapters.workflows)
    tokens = HmacWebhookTokens(settings.secret_keys)
    addresses = WebhookAddresses(tokens, public_url=settings.url)
    workflows = WorkflowRuns(adapters.workflows, definitions, sessions, webhooks=addresses, plans=settings.plan_table)
    return _Runs(
        webhooks=Webhooks(adapters.workflows, definitions, tokens=tokens, failures=adapters.sign_in_codes),
        workflows=workflows,
        needs=RunsNeeds(workflows, adapters.approvals, adapters.registry),
        reruns=Reruns(workflows, adapters.workflows, definitions, sessions=sessions),
        reach=RunReach(adapters.workflows, definitions, adapters.registry, mailroom=adapters.mailroom),
    )


def _needs(adapters: Adapters, desk: ApprovalDesk, *, plans: Plans, activity: Activity) -> Needs:
    return Needs(
        desk,
        adapters.failures,
        adapters.registry,
        workflows=adapters.workflows,
        budgets=adapters.budgets,
        plans=plans,
        activity=activity,
        signals=adapters.signals,
    )


def _hooks(settings: Settings, adapters: Adapters) -> Hooks:
    return Hooks(
        adapters.hooks,
        adapters.deliveries,
        adapters.secrets,
        adapters.registry,
        plans=settings.plan_table,
    )


def _access(adapters: Adapters, *, clock: Clock) -> Access:
    return Access(
        adapters.tokens,
        adapters.registry,
        adapters.members,
        adapters.workspaces,
        adapters.accounts,
        clock=clock,
        on_authenticated=recognise,
        on_refused=slow_down,
    )


def _people(settings: Settings, adapters: Adapters, access: Access, *, clock: Clock) -> _People:
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
    families, codes = adapters.token_families, adapters.sign_in_codes
    return _People(
        members=members,
        sign_in=sign_in,
        invitations=Invitations(
            adapters.invitations,
            members=adapters.members,
            groups=adapters.groups,
            workspaces=adapters.workspaces,
            accounts=adapters.accounts,
            sign_in=sign_in,
            failures=codes,
        ),
        enrolment=Enrolment(adapters.machine_codes, adapters.tokens, codes, clock=clock),
        short_lived=ShortLivedTokens(families, codes, accounts=access.accounts, clock=clock),
        workspaces=workspaces,
    )


def _single_sign_on(settings: Settings, adapters: Adapters, sign_in: SignIn, *, clock: Clock) -> SingleSignOn:
    sealing = AesGcmSealing(settings.secret_keys)
    return SingleSignOn(
        adapters.identities,
        OidcProviders(GuardedClient(AddressPolicy(settings.allow_outbound)), clock=clock),
        members=adapters.members,
        workspaces=adapters.workspaces,
        sign_in=sign_in,
        secrets=SecretReader(adapters.secrets, sealing),
        sealing=sealing,
        failures=adapters.sign_in_codes,
        plans=settings.plan_table,
        public_url=settings.url,
        clock=clock,
    )


def _administration(adapters: Adapters, workspaces: Workspaces) -> Administration:
    return Administration(
        adapters.administrators,
        adapters.workspaces,
        workspaces,
        pressure=adapters.pressure,
        logs=adapters.logs,
    )


def _status(adapters: Adapters, log_health: LogHealth) -> StatusReport:
    return StatusReport(
        adapters.processes,
        adapters.pressure,
        adapters.registry,
        adapters.logs,
        log_health=log_health,
        version=__version__,
    )


def _spawner(adapters: Adapters, hub: Hub, redaction: Redaction) -> Spawner:
    return Spawner(
        adapters.mailroom,
        adapters.registry,
        adapters.log,
        members=adapters.members,
        hub=hub,
        redaction=redaction,
    )


def _linking(
    adapters: Adapters,
    people: _People,
    *,
    access: Access,
    sessions: Sessions,
    desk: ApprovalDesk,
    redaction: Redaction,
) -> Linking:
    return Linking(
        adapters.links,
        adapters.registry,
        sessions,
        access=access,
        short_lived=people.short_lived,
        desk=desk,
        redaction=redaction,
    )


def build_starts(adapters: Adapters, access: Access, sessions: Sessions, workflows: WorkflowRuns) -> HookStarts:
    """What starts workflows for hooks."""
    return HookStarts(adapters.hooks, access=access, sessions=sessions, workflows=workflows)


def _hook_trials(settings: Settings, adapters: Adapters, redaction: Redaction, *, starts: HookStarts) -> HookTrials:
    return HookTrials(
        adapters.hooks,
        adapters.log,
        adapters.registry,
        dispatcher=build_dispatcher(settings, adapters, redaction, starts=starts),
        public_url=settings.url,
    )


def _retention(adapters: Adapters) -> LogRetention:
    return LogRetention(adapters.retention, adapters.logs, adapters.registry, adapters.backlog, audit=adapters.audit)


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
        groups=adapters.groups,
        people=PeopleArchiving(adapters.members, adapters.groups, adapters.service_accounts),
        audit=adapters.audit,
    )


def build_dispatcher(
    settings: Settings, adapters: Adapters, redaction: Redaction, *, starts: HookStarts
) -> HookDispatcher:
    """What carries hooks out."""
    return HookDispatcher(
        adapters.hooks,
        adapters.log,
        adapters.registry,
        mailroom=adapters.mailroom,
        workspaces=adapters.workspaces,
        redaction=redaction,
        decisions=HookDecisions(adapters.hooks, adapters.approvals, redaction),
        starts=starts,
        public_url=settings.url,
    )


def build_payment_provider(settings: Settings) -> PaymentProvider | None:
    """Stripe, where the operator has given a key. Raises `BadRequest` for plans that it cannot bill."""
    if settings.stripe is None:
        return None
    from broker.adapters.stripe.provider import (  # noqa: PLC0415 - a quarter of a second that few need
        StripeAccount,
        StripeProvider,
    )

    require_billable(settings.plans)
    given = settings.stripe
    account = StripeAccount(
        key=given.key, webhook_secret=given.webhook_secret, url=given.url, trial_days=given.trial_days, tax=given.tax
    )
    return StripeProvider(account, GuardedClient(AddressPolicy(settings.allow_outbound)), page=settings.plan_table.link)


def build_subscriptions(settings: Settings, adapters: Adapters, provider: PaymentProvider | None) -> SubscriptionKeeper:
    """What keeps subscriptions, seats and usage in line with the provider."""
    return SubscriptionKeeper(
        adapters.billing, adapters.members, adapters.workspaces, provider=provider, table=settings.plan_table
    )
