"""The domain's closed sets as GraphQL enums, each value with its meaning."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import TypeVar

import strawberry
from strawberry.types.enum import StrawberryEnumDefinition

from broker.domain.agents.agents import AgentState, Dialect
from broker.domain.agents.stops import StopHow, StopScope
from broker.domain.approvals.answers import ApprovalStatus, Scope, Verdict
from broker.domain.approvals.effects import Effect
from broker.domain.approvals.machine_word import MachineSays
from broker.domain.approvals.requirements import OwnYes
from broker.domain.approvals.risk.findings import Risk
from broker.domain.approvals.rule_trial import TrialOutcome
from broker.domain.logs.pages import Facet
from broker.domain.messages.messages import Mode, Role
from broker.domain.messages.steps import ReceiptState
from broker.domain.needs.needs import NeedKind
from broker.domain.people.access import MemberRole, Permission, TokenScope
from broker.domain.people.privacy import Level
from broker.domain.people.token_kinds import TokenKind
from broker.domain.plans.budgets import BudgetScope, BudgetState, Period, Unit
from broker.domain.plans.plans import Plan
from broker.domain.plans.usage import UsageBy
from broker.domain.views.views import ViewPage

__all__ = [
    "AgentState",
    "ApprovalStatus",
    "BudgetScope",
    "BudgetState",
    "Dialect",
    "Effect",
    "Facet",
    "Level",
    "MemberRole",
    "Mode",
    "NeedKind",
    "OwnYes",
    "Period",
    "Permission",
    "Plan",
    "ReceiptState",
    "Risk",
    "Role",
    "Scope",
    "StopHow",
    "StopScope",
    "TokenKind",
    "TokenScope",
    "TrialOutcome",
    "Unit",
    "UsageBy",
    "Verdict",
]
_Word = TypeVar("_Word", bound=StrEnum)


def _describe(words: type[_Word], description: str, meanings: Mapping[_Word, str], *, name: str | None = None) -> None:
    strawberry.enum(words, name=name, description=description)
    definition: StrawberryEnumDefinition = vars(words)["__strawberry_definition__"]
    for value in definition.values:
        value.description = meanings[words(value.value)]


_describe(
    TokenKind,
    "What a token stands for.",
    {
        TokenKind.WORKSPACE: "The workspace's key: may do everything.",
        TokenKind.AGENT: "One process of one agent; made by spawning it, and good inside its own session.",
        TokenKind.PROXY: "A machine: may link itself and nothing else.",
        TokenKind.OBSERVER: "Reads and changes nothing; a share link's sees one session and ends by itself.",
        TokenKind.MEMBER: "A person who signed in; what it may do is the member's present role.",
        TokenKind.PERSONAL: "A program of a member's: may what its scopes and the member's present role say.",
        TokenKind.SERVICE: "A program by the name of a service account: may what its scopes say.",
    },
)
_describe(
    TokenScope,
    "What a personal token, or one of a service account, may do. Each includes reading what it acts on.",
    {
        TokenScope.READ: "See sessions, logs, machines, rules and what was used.",
        TokenScope.SEND: "Send messages.",
        TokenScope.SPAWN: "Create sessions, spawn and release agents, start workflows.",
        TokenScope.APPROVE: "Answer approvals and questions.",
        TokenScope.ADMINISTER: "What administrators may: who has it can make a token with every other scope.",
    },
)
_describe(
    MemberRole,
    "What a person is in a workspace.",
    {
        MemberRole.OWNER: "Does everything, other owners and the workspace's keys included.",
        MemberRole.ADMIN: "Does everything but what is for owners.",
        MemberRole.MEMBER: "Works with sessions and agents, and answers approvals.",
        MemberRole.VIEWER: "Sees everything and changes nothing.",
        MemberRole.BILLING: "Sees and changes plan, invoices and budgets, sees usage, and no sessions.",
    },
)
_describe(
    Level,
    "What somebody may do in a private session, as far as their role allows it anywhere.",
    {Level.VIEWER: "Reads.", Level.DRIVER: "Also sends, spawns, releases and approves."},
)
_describe(
    Permission,
    "One thing a caller may do.",
    {
        Permission.READ: "See sessions, agents, messages, approvals and logs.",
        Permission.READ_WORKSPACE: "See what is of no one session: machines and rules.",
        Permission.SEND: "Send messages.",
        Permission.SPAWN: "Create sessions and spawn agents.",
        Permission.RELEASE: "Release and interrupt agents; for an agent, those it spawned.",
        Permission.APPROVE: "Answer approvals.",
        Permission.METER: "See what was used.",
        Permission.BILL: "See and change plan, invoices and budgets.",
        Permission.ADMINISTER: "Tokens, rules, members, machines and what is kept.",
        Permission.LINK: "Connect a machine.",
    },
)
_describe(
    Plan,
    "What the workspace pays for; what each allows is in `Workspace.limits`.",
    {
        Plan.FREE: "For a start.",
        Plan.PRO: "For one person.",
        Plan.TEAM: "For a team.",
    },
)
_describe(
    AgentState,
    "What an agent is doing.",
    {
        AgentState.STARTING: "Its process is being started.",
        AgentState.IDLE: "It takes the next message at once.",
        AgentState.WORKING: "A turn is running.",
        AgentState.DEAF: "Its process is there but shows no reaction to what it was handed.",
        AgentState.LOST: "Its machine has been away for longer than the grace period.",
        AgentState.RELEASING: "It was told to stop; its process is not gone yet.",
        AgentState.RELEASED: "It was ended; its name is free again.",
        AgentState.FAILED: "It ended by itself; `reason` says why.",
    },
)
_describe(
    Dialect,
    "The wire protocol an agent's process speaks.",
    {
        Dialect.CLAUDE: "Claude Code's stream-json.",
        Dialect.CODEX: "Codex' app-server.",
        Dialect.ACP: "The Agent Client Protocol.",
    },
)
_describe(
    Mode,
    "When a message enters the recipient's conversation.",
    {
        Mode.WAIT: "At the next idle moment.",
        Mode.STEER: "Into the running turn, where the vendor can; otherwise as WAIT.",
        Mode.INTERRUPT: "At once: the running turn is stopped first.",
    },
)
_describe(
    Role,
    "What a sender is to the recipient, as the broker attests it.",
    {
        Role.HUMAN: "A person in charge.",
        Role.LEAD: "The agent that spawned the recipient.",
        Role.PEER: "Another agent.",
        Role.EXTERNAL: "A program with a token of the workspace.",
        Role.SYSTEM: "The broker itself.",
    },
)
_describe(
    ReceiptState,
    "How far a message got on its way to one recipient, in order.",
    {
        ReceiptState.QUEUED: "Accepted; it waits for the recipient.",
        ReceiptState.SENT: "In the mailbox of the recipient's machine.",
        ReceiptState.RECEIVED: "The machine has it.",
        ReceiptState.HANDED: "Its bytes were written to the agent's process.",
        ReceiptState.IN_TURN: "The agent itself has confirmed it and works on it.",
        ReceiptState.ANSWERED: "The turn it was part of has ended.",
        ReceiptState.UNDELIVERABLE: "It will not arrive; `reason` says why.",
    },
)
_describe(
    OwnYes,
    "What a yes of whoever looks at an approval comes to.",
    {
        OwnYes.COUNTS: "It allows it, or it is one of those that are missing.",
        OwnYes.SAID: "They have said it; others are missing.",
        OwnYes.NOT_NAMED: "Others may allow it: `needs` names them; for money, who administers. They may deny.",
        OwnYes.NOT_PERMITTED: "They answer nothing here.",
    },
)
_describe(
    ApprovalStatus,
    "Where a permission request stands.",
    {
        ApprovalStatus.PENDING: "It waits for an answer.",
        ApprovalStatus.ALLOWED: "The agent was told yes.",
        ApprovalStatus.DENIED: "The agent was told no.",
        ApprovalStatus.WITHDRAWN: "The agent no longer asks: its turn or its process ended.",
        ApprovalStatus.EXPIRED: "Nobody answered before the deadline; the agent was told no.",
        ApprovalStatus.ANSWERED: "Of a question: the agent was given the answers.",
    },
)
_describe(
    Risk,
    "How carefully to look before allowing what an agent asks for.",
    {
        Risk.LOW: "Nothing was found that is risky; that does not make it safe.",
        Risk.MEDIUM: "It changes or reaches something.",
        Risk.HIGH: "It can do harm that is hard to undo.",
    },
)
_describe(
    MachineSays,
    "What becomes of a yes from afar on the agent's machine.",
    {
        MachineSays.PASSES: "It reaches the agent.",
        MachineSays.ASKS: "It does when somebody at the machine's own terminal says yes too; else the agent hears no.",
        MachineSays.REFUSES: "The agent is told no.",
    },
)
_describe(
    Verdict,
    "What an answer says.",
    {Verdict.ALLOW: "The agent may do it.", Verdict.DENY: "The agent may not."},
)
_describe(
    Scope,
    "How long an answer holds inside the agent.",
    {
        Scope.ONCE: "For this request.",
        Scope.SESSION: (
            "For the same again, as long as the agent lives: the same command in the same folder, changes of the same "
            "files, or the same tool with the same input. Rules that deny or ask go before, and it ends with the right "
            "to answer of whoever said so."
        ),
    },
)
_describe(
    Effect,
    "What a matching rule does.",
    {
        Effect.ALLOW: "Answers yes without a person.",
        Effect.ASK: "Asks a person, whatever an allowing rule says.",
        Effect.REQUIRE: "Asks people that it names; nothing else stands in for their yes. Deny goes over it.",
        Effect.DENY: "Answers no without a person, whatever the other rules say.",
    },
)
_describe(
    StopScope,
    "How far a stop reaches.",
    {
        StopScope.SESSION: "One session.",
        StopScope.MACHINE: "One machine, in every session.",
        StopScope.WORKSPACE: "Every session and machine.",
    },
)
_describe(
    StopHow,
    "What becomes of the agents that are stopped.",
    {
        StopHow.PAUSE: "Their processes and conversations stay, and their messages wait.",
        StopHow.RELEASE: "They end.",
    },
)
_describe(
    UsageBy,
    "What one line of usage is about.",
    {
        UsageBy.DAY: "A UTC day.",
        UsageBy.SESSION: "A session.",
        UsageBy.AGENT: "An agent's name in one session; people and programs who only write are there by theirs.",
        UsageBy.PERSON: "Who is behind the agents, and who writes.",
        UsageBy.MODEL: "A model, as agents name theirs when they are ready.",
    },
)
_describe(
    BudgetScope,
    "Whose spending counts.",
    {
        BudgetScope.WORKSPACE: "All agents'.",
        BudgetScope.SESSION: "That of a session's agents.",
        BudgetScope.AGENT: "One agent's.",
        BudgetScope.TREE: "That of an agent and of all that it spawned, and those, and so on.",
        BudgetScope.PERSON: "That of all agents that a member spawned, or that agents of theirs did.",
    },
)
_describe(
    BudgetState,
    "Whether turns begin that a budget pays for.",
    {
        BudgetState.OPEN: "They do.",
        BudgetState.NEAR: "They do; most of it is spent.",
        BudgetState.HELD: "Turns that run have set aside what is left: others wait until one has ended.",
        BudgetState.SPENT: "None does until somebody lets more be spent, or the period is over: messages wait.",
    },
)
_describe(
    Unit,
    "What is spent.",
    {
        Unit.USD: "Dollars, as vendors report them, or estimated by prices for models where one reports none.",
        Unit.TOKENS: "Tokens into models and out of them.",
        Unit.TURNS: "Turns.",
        Unit.MINUTES: "Minutes of turns, by the clock.",
    },
    name="BudgetUnit",
)
_describe(
    Period,
    "For how long a budget is; then it begins anew.",
    {
        Period.DAY: "A UTC day.",
        Period.MONTH: "A month, in UTC.",
        Period.TOTAL: "For good.",
        Period.RUN: "A run of a workflow: each may spend so much.",
    },
    name="BudgetPeriod",
)
_describe(ViewPage, "A page of the dashboard that has saved views.", {ViewPage.HOME: "The list of agents."})
_describe(
    Facet,
    "Fields of log lines whose values can be counted.",
    {
        Facet.SESSION: "The session's key.",
        Facet.AGENT: "The agent's name.",
        Facet.CLI: "The agent program.",
        Facet.KIND: "What the line is about: `command`, `message`, `text`, …",
        Facet.EVENT: "The kind of the event: `turn.ended`, `agent.frame`, …",
        Facet.TOOL: "The tool.",
        Facet.FRAME_TYPE: "The vendor's own name of the frame.",
        Facet.EXIT_CODE: "A command's exit code.",
        Facet.OK: "`true`, or `false` for what failed.",
    },
)

_describe(
    NeedKind,
    "What kind of thing needs a person.",
    {
        NeedKind.APPROVAL: "An agent asks for permission.",
        NeedKind.QUESTION: "An agent asks something in words.",
        NeedKind.GATE: "A step of a workflow waits for a yes.",
        NeedKind.FAILED_AGENT: "An agent has failed, and nobody has looked at it.",
        NeedKind.UNDELIVERED: "A message of a person or a program will not arrive, and nobody has looked at it.",
        NeedKind.MACHINE_AWAY: "A machine with agents on it is not connected.",
        NeedKind.RUN: "A run of a workflow does not go on by itself.",
        NeedKind.BUDGET: "A budget is spent, or nearly.",
        NeedKind.PLAN: "A limit of the plan is reached, or nearly.",
    },
)

_describe(
    TrialOutcome,
    "What a rule would have done with a request that it matches.",
    {
        TrialOutcome.ALLOWS: "It would have been allowed.",
        TrialOutcome.ASKS: "A person would have been asked.",
        TrialOutcome.REQUIRES: "People that the rule names would have been asked.",
        TrialOutcome.DENIES: "It would have been denied.",
        TrialOutcome.OVERRULED: "Another rule goes over it.",
    },
)
