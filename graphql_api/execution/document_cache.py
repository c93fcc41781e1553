"""Checked documents by their text, bounded by what they hold in memory and shared out fairly among those who send them.

A document of 14 kB holds nearly a megabyte once it is parsed, so what is counted is its tokens. Where room is needed it
is made by whoever holds most: first the workspace, in it the token, of its documents the one not used for longest. So
nobody can push out others' by sending many of their own.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from typing import Generic, TypeVar

from graphql import DocumentNode

from broker.domain.ids import TokenId, WorkspaceId

MOST_TOKENS = 200_000
"""About 60 MB."""
MOST_DOCUMENTS = 2000
_Checked = TypeVar("_Checked")


@dataclass(frozen=True, slots=True)
class Sender:
    """Whose document it is."""

    workspace: WorkspaceId
    token: TokenId


@dataclass(frozen=True, slots=True)
class _Kept(Generic[_Checked]):
    checked: _Checked
    tokens: int
    sender: Sender


class DocumentCache(Generic[_Checked]):
    """Holds what was made of texts."""

    def __init__(self, *, most_tokens: int = MOST_TOKENS, most_documents: int = MOST_DOCUMENTS) -> None:
        self._most_tokens = most_tokens
        self._most_documents = most_documents
        self._kept: dict[str, _Kept[_Checked]] = {}
        self._of: dict[WorkspaceId, dict[TokenId, OrderedDict[str, None]]] = {}
        self.tokens = 0

    def __len__(self) -> int:
        return len(self._kept)

    def get(self, text: str) -> _Checked | None:
        """What is known of a text, from now on used last."""
        kept = self._kept.get(text)
        if kept is None:
            return None
        self._of[kept.sender.workspace][kept.sender.token].move_to_end(text)
        return kept.checked

    def keep(self, text: str, checked: _Checked, *, tokens: int, sender: Sender) -> None:
        """Keep one, and make room for it."""
        if text in self._kept:
            return
        self._kept[text] = _Kept(checked, tokens, sender)
        self._of.setdefault(sender.workspace, {}).setdefault(sender.token, OrderedDict())[text] = None
        self.tokens += tokens
        while self.tokens > self._most_tokens or len(self._kept) > self._most_documents:
            self._drop_one()

    def _drop_one(self) -> None:
        workspace = max(self._of, key=lambda each: sum(map(self._count_held, self._of[each].values())))
        senders = self._of[workspace]
        token = max(senders, key=lambda each: self._count_held(senders[each]))
        text, _ = senders[token].popitem(last=False)
        self.tokens -= self._kept.pop(text).tokens
        if not senders[token]:
            del senders[token]
        if not senders:
            del self._of[workspace]

    def _count_held(self, texts: OrderedDict[str, None]) -> int:
        return sum(self._kept[text].tokens for text in texts)


def tokens_of(document: DocumentNode) -> int:
    """The words and signs of a document that was parsed with its locations."""
    assert document.loc is not None
    token, count = document.loc.start_token.next, 0
    while token is not None:
        token, count = token.next, count + 1
    return count
