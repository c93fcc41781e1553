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
from broker.domain.plans import Plan

__all__ = ["Permission", "Plan", "TokenKind"]
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
    },
)
_describe(
    Permission,
    "One thing a caller may do.",
    {
        Permission.READ: "See sessions, agents, messages, approvals and logs.",
        Permission.SEND: "Send messages.",
        Permission.SPAWN: "Create sessions and spawn agents.",
        Permission.RELEASE: "Release and interrupt agents; for an agent, those it spawned.",
        Permission.APPROVE: "Answer approvals.",
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
