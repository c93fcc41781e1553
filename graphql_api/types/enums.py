"""The domain's closed sets as GraphQL enums, each value with its meaning.

Types of the schema import them from here, so that they are described before any field uses them.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import TypeVar

import strawberry
from strawberry.types.enum import StrawberryEnumDefinition

from broker.domain.access import Permission, TokenKind
from broker.domain.approvals import ApprovalStatus
from broker.domain.messages import Mode, ReceiptState, Role
from broker.domain.plans import Plan

__all__ = ["ApprovalStatus", "Mode", "Permission", "Plan", "ReceiptState", "Role", "TokenKind"]
_Word = TypeVar("_Word", bound=StrEnum)


def _describe(words: type[_Word], description: str, meanings: Mapping[_Word, str]) -> None:
    strawberry.enum(words, description=description)
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
        TokenKind.OBSERVER: "Reads and changes nothing.",
        TokenKind.MEMBER: "A person who signed in; what it may do is the member's present role.",
    },
)
_describe(
    Permission,
    "One thing a caller may do.",
    {
        Permission.READ: "See sessions, agents, messages, approvals and logs.",
        Permission.READ_WORKSPACE: "See what is not of one session: machines and rules.",
        Permission.SEND: "Send messages.",
        Permission.SPAWN: "Create sessions and spawn agents.",
        Permission.RELEASE: "Release and interrupt agents; for an agent, those it spawned.",
        Permission.APPROVE: "Answer approvals.",
        Permission.METER: "See what was used.",
        Permission.ADMINISTER: "Tokens, rules, machines and what is kept.",
        Permission.LINK: "Connect a machine.",
    },
)
_describe(
    Plan,
    "What the workspace pays for.",
    {
        Plan.FREE: "One agent, 100 messages a day, logs for 7 days.",
        Plan.PRO: "10 agents, logs for 90 days.",
        Plan.TEAM: "Any number of agents, logs for a year.",
    },
)
_describe(
    Mode,
    "When a message enters the recipient's conversation.",
    {
        Mode.WAIT: "At the next idle moment.",
        Mode.STEER: "Into the running turn, where the vendor can; otherwise as `WAIT`.",
        Mode.INTERRUPT: "At once: the running turn is stopped first.",
    },
)
_describe(
    Role,
    "What a sender is to the recipient, as the broker attests it.",
    {
        Role.HUMAN: "A person.",
        Role.LEAD: "The agent that spawned the recipient.",
        Role.PEER: "Another agent of the session.",
        Role.EXTERNAL: "A program with a token of the workspace.",
        Role.SYSTEM: "The broker itself: receipts, restarts.",
    },
)
_describe(
    ReceiptState,
    "How far a message is on its way to one recipient.",
    {
        ReceiptState.QUEUED: "It waits for the recipient.",
        ReceiptState.SENT: "In the mailbox of the recipient's proxy.",
        ReceiptState.RECEIVED: "The proxy has it.",
        ReceiptState.HANDED: "Written to the agent's process.",
        ReceiptState.IN_TURN: "The agent has confirmed it and works on it.",
        ReceiptState.ANSWERED: "The turn it was part of has ended.",
        ReceiptState.UNDELIVERABLE: "It will not arrive.",
    },
)
_describe(
    ApprovalStatus,
    "Where a permission request stands.",
    {
        ApprovalStatus.PENDING: "It waits for an answer.",
        ApprovalStatus.ALLOWED: "Somebody, or a rule, said yes.",
        ApprovalStatus.DENIED: "Somebody, or a rule, said no.",
        ApprovalStatus.WITHDRAWN: "The agent no longer asks: its turn or its process ended.",
        ApprovalStatus.EXPIRED: "Nobody answered in time; the agent was told no.",
    },
)
