"""What the services need from the outside: one protocol for each role. `adapters` implements them."""

from __future__ import annotations

from broker.services.ports.access import (
    AccessChanges,
    InstallationRecords,
    NewPair,
    ServiceAccount,
    ServiceAccounts,
    TokenFamilies,
    TokenRecord,
    Tokens,
)
from broker.services.ports.accounts import AccountRecords
from broker.services.ports.approvals import Approvals, Assenting, Standing, Surroundings
from broker.services.ports.audit import AuditRecords, Checkpoints, CheckpointSigning, ImportedTrails
from broker.services.ports.billing import BillingRecord, BillingRecords, PaymentProvider
from broker.services.ports.commands import CommandOrder, CommandRecord, CommandRecords
from broker.services.ports.groups import GroupRecords
from broker.services.ports.hooks import (
    Delivery,
    DeliveryRecords,
    HeldHook,
    HookOrder,
    HookRecords,
    HookRun,
    HooksInForce,
    SavedHooks,
    WorkflowStarter,
)
from broker.services.ports.invitations import InvitationRecords
from broker.services.ports.keeping import RedactionRules, Restoring, RetentionState
from broker.services.ports.links import Attached, Decided, DecidedApproval, Held, Links, NumberedFact, Unfinished
from broker.services.ports.log import Backlog, EventLog, LogPage, LogStore, require_store
from broker.services.ports.mailboxes import Mailroom, NewAgent, OutgoingMessage
from broker.services.ports.members import Ended, MachineCodes, MemberRecords, SignInCodes
from broker.services.ports.meters import BudgetRecords, MeterCounters
from broker.services.ports.needs import Failures
from broker.services.ports.outbound import ApiAnswer, ApiCalls, Notifier, Outbound, OutboundAnswer
from broker.services.ports.registry import Registry
from broker.services.ports.requests import Allowances, RequestRecords, Taken
from broker.services.ports.secrets import Sealed, Sealing, SecretRecord, SecretRecords
from broker.services.ports.signals import (
    CommandPut,
    Glimpsed,
    Happened,
    LinkNews,
    OwnerRemoved,
    Signals,
    Silent,
    TakenOver,
    Timers,
)
from broker.services.ports.single_sign_on import Challenge, IdentityProviders, IdentityRecords, ProviderFailure
from broker.services.ports.status import Pressure, Processes
from broker.services.ports.stops import StopRecords
from broker.services.ports.traces import SpanSink
from broker.services.ports.workflows import (
    Appended,
    Claim,
    ClaimedRun,
    HandedRun,
    LoggedEvent,
    NewRun,
    Reach,
    RunRow,
    WebhookTokens,
    WorkflowRecords,
    Written,
)
from broker.services.ports.workspaces import AdministratorRecords, WorkspaceRecords

__all__ = [
    "AccessChanges",
    "AccountRecords",
    "AdministratorRecords",
    "Allowances",
    "ApiAnswer",
    "ApiCalls",
    "Appended",
    "Approvals",
    "Assenting",
    "Attached",
    "AuditRecords",
    "Backlog",
    "BillingRecord",
    "BillingRecords",
    "BudgetRecords",
    "Challenge",
    "CheckpointSigning",
    "Checkpoints",
    "Claim",
    "ClaimedRun",
    "CommandOrder",
    "CommandPut",
    "CommandRecord",
    "CommandRecords",
    "Decided",
    "DecidedApproval",
    "Delivery",
    "DeliveryRecords",
    "Ended",
    "EventLog",
    "Failures",
    "Glimpsed",
    "GroupRecords",
    "HandedRun",
    "Happened",
    "Held",
    "HeldHook",
    "HookOrder",
    "HookRecords",
    "HookRun",
    "HooksInForce",
    "IdentityProviders",
    "IdentityRecords",
    "ImportedTrails",
    "InstallationRecords",
    "InvitationRecords",
    "LinkNews",
    "Links",
    "LogPage",
    "LogStore",
    "LoggedEvent",
    "MachineCodes",
    "Mailroom",
    "MemberRecords",
    "MeterCounters",
    "NewAgent",
    "NewPair",
    "NewRun",
    "Notifier",
    "NumberedFact",
    "Outbound",
    "OutboundAnswer",
    "OutgoingMessage",
    "OwnerRemoved",
    "PaymentProvider",
    "Pressure",
    "Processes",
    "ProviderFailure",
    "Reach",
    "RedactionRules",
    "Registry",
    "RequestRecords",
    "Restoring",
    "RetentionState",
    "RunRow",
    "SavedHooks",
    "Sealed",
    "Sealing",
    "SecretRecord",
    "SecretRecords",
    "ServiceAccount",
    "ServiceAccounts",
    "SignInCodes",
    "Signals",
    "Silent",
    "SpanSink",
    "Standing",
    "StopRecords",
    "Surroundings",
    "Taken",
    "TakenOver",
    "Timers",
    "TokenFamilies",
    "TokenRecord",
    "Tokens",
    "Unfinished",
    "WebhookTokens",
    "WorkflowRecords",
    "WorkflowStarter",
    "WorkspaceRecords",
    "Written",
    "require_store",
]
