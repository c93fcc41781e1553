"""The root type of mutations."""

from __future__ import annotations

import strawberry

from graphql_api.mutations.agents import AgentMutations
from graphql_api.mutations.approvals import ApprovalMutations
from graphql_api.mutations.budgets import BudgetMutations
from graphql_api.mutations.groups import GroupMutations
from graphql_api.mutations.hooks import HookMutations
from graphql_api.mutations.invitations import InvitationMutations
from graphql_api.mutations.machine_codes import MachineCodeMutations
from graphql_api.mutations.members import MemberMutations
from graphql_api.mutations.messages import MessageMutations
from graphql_api.mutations.needs import NeedMutations
from graphql_api.mutations.questions import QuestionMutations
from graphql_api.mutations.service_accounts import ScopedTokenMutations
from graphql_api.mutations.sessions import SessionMutations
from graphql_api.mutations.single_sign_on import SingleSignOnMutations
from graphql_api.mutations.stops import StopMutations
from graphql_api.mutations.tokens import TokenMutations
from graphql_api.mutations.views import ViewMutations
from graphql_api.mutations.workflows import WorkflowMutations


@strawberry.type(
    description="What can be changed. Each field takes one input and answers with what was changed, or with a refusal."
)
class Mutation(
    SessionMutations,
    AgentMutations,
    MessageMutations,
    ApprovalMutations,
    QuestionMutations,
    NeedMutations,
    StopMutations,
    TokenMutations,
    MachineCodeMutations,
    ScopedTokenMutations,
    MemberMutations,
    InvitationMutations,
    GroupMutations,
    SingleSignOnMutations,
    ViewMutations,
    WorkflowMutations,
    BudgetMutations,
    HookMutations,
):
    """The root of mutations."""
