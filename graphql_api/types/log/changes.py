"""Which files agents changed."""

from __future__ import annotations

from typing import Self

import strawberry
from strawberry import ID

from broker.domain.logs import file_changes as domain
from broker.domain.logs.events import Cursor
from broker.services.logs.file_history import ChangesPage
from graphql_api.pagination import Connection, Edge
from graphql_api.types.log.contents import FileChange
from graphql_api.types.scalars import DateTime


@strawberry.type(description="What an agent changed in files at one time.")
class FileChangeEntry:
    """What one frame tells."""

    cursor: Cursor = strawberry.field(description="Its place in the session's log.")
    at: DateTime = strawberry.field(description="When it was told.")
    agent: str = strawberry.field(description="The agent's name.")
    agent_key: ID = strawberry.field(description="The agent.")
    turn: str | None = strawberry.field(description="The turn it was part of, as far as that is kept.")
    changes: list[FileChange] = strawberry.field(description="The files.")

    @classmethod
    def of(cls, told: domain.FileChanges) -> Self:
        """As the domain knows it."""
        files = [{"path": each.path, "change": each.change, "diff": each.diff} for each in told.changes]
        return cls(
            cursor=told.cursor,
            at=DateTime(told.at_ms),
            agent=told.agent,
            agent_key=ID(told.agent_id),
            turn=told.turn,
            changes=[FileChange(source=each) for each in files],
        )


def changes_page(page: ChangesPage, *, earlier: bool) -> Connection[FileChangeEntry]:
    """A page of changes, newest first; `endCursor` goes on even behind an empty one."""
    edges = [Edge(cursor=str(each.cursor), node=FileChangeEntry.of(each)) for each in page.changes]
    shown = Connection.of(edges, more=page.next is not None, earlier=earlier)
    if page.next is not None:
        shown.page_info.end_cursor = str(page.next)
    return shown
