"""The services that the gateway's endpoints use; `broker/app` builds it."""

from __future__ import annotations

from dataclasses import dataclass

from broker.services.agents.sessions import Sessions
from broker.services.agents.spawner import Spawner
from broker.services.agents.stops import Stops
from broker.services.approvals.desk import ApprovalDesk
from broker.services.approvals.rule_book import RuleBook, RuleTrials
from broker.services.audit.archiving import TrailArchiving
from broker.services.audit.trail import AuditTrail
from broker.services.hooks.definitions import Hooks
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
from broker.services.ports import Signals
from broker.services.redaction import Redaction
from broker.services.requests import Requests
from broker.services.secrets.secrets import Secrets
from broker.services.views.views import Views
from broker.services.workflows.checking import WorkflowChecks
from broker.services.workflows.reruns import Reruns
from broker.services.workflows.runs import WorkflowRuns
from broker.services.workflows.webhooks import Webhooks


@dataclass(frozen=True, slots=True, kw_only=True)
class Services:
    """One of each, shared by all connections of a process."""

    access: Access
    allowance: Allowance
    sessions: Sessions
    log_reader: LogReader
    log_search: LogSearch
    file_history: FileHistory
    requests: Requests
    router: Router
    spawner: Spawner
    desk: ApprovalDesk
    stops: Stops
    views: Views
    linking: Linking
    redaction: Redaction
    meter: UsageMeter
    metering: Metering
    budgets: Budgets
    billing: Billing
    subscriptions: SubscriptionKeeper
    plans: Plans
    needs: Needs
    rules: RuleBook
    rule_trials: RuleTrials
    retention: LogRetention
    transfer: Transfer
    members: Members
    groups: Groups
    sign_in: SignIn
    single_sign_on: SingleSignOn
    invitations: Invitations
    enrolment: Enrolment
    short_lived: ShortLivedTokens
    scoped_tokens: ScopedTokens
    workspaces: Workspaces
    administration: Administration
    status: StatusReport
    log_health: LogHealth
    hooks: Hooks
    hook_trials: HookTrials
    secrets: Secrets
    workflows: WorkflowRuns
    reruns: Reruns
    run_needs: RunsNeeds
    webhooks: Webhooks
    workflow_checks: WorkflowChecks
    audit: AuditTrail
    trail_archiving: TrailArchiving
    hub: Hub
    feeds: Feeds
    activity: Activity
    signals: Signals
    public_url: str
