"""The workers: what runs beside the gateways."""

from __future__ import annotations

from broker.adapters.checkpoint_file import CheckpointFile
from broker.adapters.outbound.checkpoints import CheckpointWebhook
from broker.adapters.outbound.client import GuardedClient
from broker.adapters.outbound.notifying import AppriseNotifier
from broker.adapters.sealing import AesGcmSealing
from broker.adapters.signing import Ed25519Signing
from broker.adapters.trigger_search import automaton
from broker.adapters.webhook_tokens import HmacWebhookTokens
from broker.app.adapters import Adapters
from broker.app.services import (
    build_dispatcher,
    build_payment_provider,
    build_services,
    build_starts,
    build_subscriptions,
)
from broker.domain.outbound.addresses import AddressPolicy
from broker.services.approvals.desk import ApprovalDesk
from broker.services.audit.sealing import AuditSealer
from broker.services.deadlines import Deadlines
from broker.services.hooks.deliveries import HookDeliveries
from broker.services.logs.health import LogHealth
from broker.services.logs.retention import RetentionKeeper
from broker.services.logs.shipping import Shipper
from broker.services.logs.tracing import Tracing
from broker.services.operations.ending import WorkspaceEnding
from broker.services.operations.survey import Surveyor
from broker.services.ports import Checkpoints, LogStore, Outbound
from broker.services.redaction import Redaction
from broker.services.secrets.secrets import SecretReader
from broker.services.workflows.calls import Calls
from broker.services.workflows.definitions import Definitions
from broker.services.workflows.driver import Driver
from broker.services.workflows.steps.agents import AgentSteps
from broker.services.workflows.steps.commands import CommandSteps
from broker.services.workflows.steps.errands import Errands
from broker.services.workflows.steps.gates import Gates
from broker.services.workflows.steps.integrations import Integrations
from broker.services.workflows.steps.machine_commands import MachineCommands
from broker.services.workflows.steps.signs import AgentSigns
from broker.services.workflows.steps.waits import Waits
from broker.services.workflows.webhooks import WebhookAddresses
from broker.settings import Settings
from broker.workers.audit import AuditWorker
from broker.workers.billing import BillingWorker
from broker.workers.deliveries import DeliveryWorker
from broker.workers.ending import EndingWorker
from broker.workers.hooks import HookWorker
from broker.workers.resealing import ResealingWorker
from broker.workers.retention import RetentionWorker
from broker.workers.shipping import ShippingWorker
from broker.workers.survey import SurveyWorker
from broker.workers.timekeeper import Timekeeper
from broker.workers.workflows import WorkflowWorker


def build_shipping(
    adapters: Adapters, logs: LogStore, *, alone: bool, tracing: Tracing | None = None
) -> ShippingWorker:
    """The worker that moves logs to the log store; `alone` when the store is in this very process."""
    shipper = Shipper(adapters.tail, adapters.backlog, logs, adapters.registry, tracing=tracing)
    return ShippingWorker(adapters.timers, adapters.backlog, shipper, alone=alone)


def build_retention(adapters: Adapters, logs: LogStore) -> RetentionWorker:
    """The worker that dates and forgets logs."""
    return RetentionWorker(adapters.timers, RetentionKeeper(adapters.retention, logs, adapters.registry))


def build_hooks(settings: Settings, adapters: Adapters, *, alone: bool) -> HookWorker:
    """The worker that looks for what hooks wait for; `alone` when there can be no other."""
    services = build_services(settings, adapters)
    starts = build_starts(adapters, services.access, services.sessions, services.workflows)
    dispatcher = build_dispatcher(settings, adapters, services.redaction, starts=starts)
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
    errands = Errands(adapters.workflows)
    driver = build_driver(settings, adapters, errands=errands)
    return WorkflowWorker(adapters.timers, adapters.workflows, driver, errands=errands)


def build_driver(settings: Settings, adapters: Adapters, *, errands: Errands | None = None) -> Driver:
    """What brings one run as far as it comes. `errands`: who does what steps have done at other services; without it
    nobody does.
    """
    services = build_services(settings, adapters)
    commands = MachineCommands(adapters.commands, adapters.registry, services.spawner)
    definitions = Definitions(adapters.workflows)
    return Driver(
        adapters.workflows,
        definitions,
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
        calls=Calls(adapters.workflows, definitions),
        integrations=Integrations(
            errands or Errands(adapters.workflows),
            GuardedClient(AddressPolicy(settings.allow_outbound)),
            SecretReader(adapters.secrets, AesGcmSealing(settings.secret_keys)),
            github_url=settings.github_url,
        ),
        webhooks=WebhookAddresses(HmacWebhookTokens(settings.secret_keys), public_url=settings.url),
    )


def build_audit(settings: Settings, adapters: Adapters) -> AuditWorker:
    """The worker that seals audit trails, and writes signed checkpoints of them to a file and a webhook."""
    places: list[Checkpoints] = []
    if settings.audit_checkpoints:
        places.append(CheckpointFile(settings.audit_checkpoints))
    if hook := settings.audit_webhook:
        outbound = GuardedClient(AddressPolicy(settings.allow_outbound))
        places.append(CheckpointWebhook(outbound, url=hook.url, secrets=hook.secrets))
    return AuditWorker(adapters.timers, AuditSealer(adapters.audit, places, Ed25519Signing(settings.secret_keys)))


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


def build_billing(settings: Settings, adapters: Adapters) -> BillingWorker:
    """The worker that keeps subscriptions, seats and reported usage in line with Stripe."""
    return BillingWorker(adapters.timers, build_subscriptions(settings, adapters, build_payment_provider(settings)))
