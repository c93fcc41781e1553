"""What an operation carries: who asks, the services, and the loaders that live as long as it does."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Self

import strawberry

from broker.domain.errors import RateLimit
from broker.domain.people.access import Principal
from broker.services.agents.sessions import Sessions
from broker.services.agents.spawner import Spawner
from broker.services.agents.stops import Stops
from broker.services.approvals.desk import ApprovalDesk
from broker.services.approvals.rule_book import RuleBook, RuleTrials
from broker.services.audit.trail import AuditTrail
from broker.services.hooks.definitions import Hooks
from broker.services.live.activity import Activity
from broker.services.live.feeds import Feeds
from broker.services.logs.file_history import FileHistory
from broker.services.logs.reader import LogReader
from broker.services.logs.retention import LogRetention
from broker.services.logs.search import LogSearch
from broker.services.messages.router import Router
from broker.services.needs.needs import Needs
from broker.services.people.access import Access
from broker.services.people.enrolment import Enrolment
from broker.services.people.groups import Groups
from broker.services.people.invitations import Invitations
from broker.services.people.members import Members
from broker.services.people.scoped_tokens import ScopedTokens
from broker.services.people.sign_in import SignIn
from broker.services.people.single_sign_on import SingleSignOn
from broker.services.people.workspaces import Workspaces
from broker.services.plans.allowance import Allowance
from broker.services.plans.budgets import Budgets
from broker.services.plans.standing import Plans
from broker.services.plans.usage import UsageMeter
from broker.services.requests import Requests
from broker.services.views.views import Views
from broker.services.workflows.reruns import Reruns
from broker.services.workflows.runs import WorkflowRuns
from graphql_api.loaders import Loaders


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiServices:
    """The services behind the schema, shared by all operations of a process; `broker/app` fills it."""

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
    hooks: Hooks
    workflows: WorkflowRuns
    reruns: Reruns
    meter: UsageMeter
    budgets: Budgets
    plans: Plans
    needs: Needs
    rules: RuleBook
    rule_trials: RuleTrials
    members: Members
    workspaces: Workspaces
    scoped_tokens: ScopedTokens
    groups: Groups
    sign_in: SignIn
    single_sign_on: SingleSignOn
    invitations: Invitations
    enrolment: Enrolment
    retention: LogRetention
    audit: AuditTrail
    feeds: Feeds
    activity: Activity
    public_url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """Of one operation, or of one event of a subscription: the loaders remember what they loaded."""

    principal: Principal
    services: ApiServices
    loaders: Loaders
    paid: list[RateLimit] = field(default_factory=list)
    """What is left to the caller, once the operation was paid for."""

    @classmethod
    def of(cls, principal: Principal, services: ApiServices) -> Self:
        """A fresh one."""
        loaders = Loaders(principal, services.sessions, services.meter, access=services.access, stops=services.stops)
        return cls(principal=principal, services=services, loaders=loaders)


Info = strawberry.Info[Context, None]
