"""What searches of the long history find."""

from __future__ import annotations

from typing import Self

import strawberry
from strawberry import ID

from broker.domain.instants import to_ms
from broker.domain.logs import pages as log_pages
from broker.domain.logs.events import Cursor
from broker.domain.logs.pages import cursor_of
from broker.domain.logs.search import highlight
from broker.services.logs.search import FoundCount, FoundHit, FoundLine, FoundPage
from graphql_api.pagination import Connection, Edge
from graphql_api.types.scalars import DateTime


@strawberry.type(description="A match inside an excerpt.")
class Highlight:
    """Where it stands."""

    start: int = strawberry.field(description="Its first character, counted in Unicode code points from 0.")
    length: int = strawberry.field(description="How many code points it has.")


@strawberry.type(description="The piece of a text that is worth showing, with `…` where something was left out.")
class Excerpt:
    """A piece of a text."""

    text: str = strawberry.field(description="The piece.")
    highlights: list[Highlight] = strawberry.field(description="The matches in it, in order.")

    @classmethod
    def of(cls, excerpt: highlight.Excerpt) -> Self:
        """As the domain knows it."""
        spans = [Highlight(start=each.start, length=each.end - each.start) for each in excerpt.spans]
        return cls(text=excerpt.text, highlights=spans)


@strawberry.type(description="One event of a session's log with what people search for pulled out of it.")
class LogLine:
    """One line."""

    session_key: ID = strawberry.field(description="The session.")
    session_name: str = strawberry.field(description="Its name; '' when the session is gone.")
    cursor: Cursor = strawberry.field(description="The event's place in the session's log.")
    at: DateTime = strawberry.field(description="When it was written.")
    kind: str = strawberry.field(description="What the line is about: `command`, `message`, `text`, `error`, …")
    event: str = strawberry.field(description="The kind of the event: `agent.frame`, `turn.ended`, …")
    agent: str = strawberry.field(description="The agent's name; '' when the event is no agent's.")
    cli: str = strawberry.field(description="The agent program; '' when the event is no agent's.")
    tool: str = strawberry.field(description="The tool; '' for none.")
    command: str = strawberry.field(description="The command line, its beginning when it is long; '' for none.")
    exit_code: int | None = strawberry.field(description="The command's exit code, once it has one.")
    paths: list[str] = strawberry.field(description="The files it is about.")
    ok: bool = strawberry.field(description="False for errors, failed commands and tools, and what was denied.")
    excerpt: Excerpt = strawberry.field(description="The part of its text that matches.")

    @classmethod
    def of(cls, line: FoundLine) -> Self:
        """As the search found it."""
        row = line.row
        return cls(
            session_key=ID(row.session),
            session_name=line.session_name,
            cursor=Cursor(row.epoch, row.offset),
            at=DateTime(row.at_ms),
            kind=row.kind,
            event=row.event,
            agent=row.agent,
            cli=row.cli,
            tool=row.tool,
            command=row.command,
            exit_code=row.exit_code,
            paths=list(row.paths),
            ok=row.ok,
            excerpt=Excerpt.of(line.excerpt),
        )


@strawberry.type(description="A line that matches a search, and what was logged around it.")
class LogHit:
    """One hit."""

    line: LogLine = strawberry.field(description="The line that matches.")
    before: list[LogLine] = strawberry.field(description="Lines of the same session ahead of it.")
    after: list[LogLine] = strawberry.field(description="Lines of the same session behind it.")

    @classmethod
    def of(cls, hit: FoundHit) -> Self:
        """As the search found it."""
        return cls(
            line=LogLine.of(hit.line),
            before=[LogLine.of(each) for each in hit.before],
            after=[LogLine.of(each) for each in hit.after],
        )

    @classmethod
    def page(cls, found: FoundPage, *, earlier: bool) -> LogHits:
        """A page of hits."""
        edges = [Edge(cursor=str(cursor_of(hit.line.row)), node=LogHit.of(hit)) for hit in found.hits]
        return Connection.of(edges, more=found.next is not None, earlier=earlier)


LogHits = Connection[LogHit]


@strawberry.type(description="How many log lines fall in a span of time.")
class TimeBucket:
    """One span."""

    at: DateTime = strawberry.field(description="When it begins.")
    span_ms: int = strawberry.field(description="How long it is, in milliseconds.")
    count: int = strawberry.field(description="How many lines match in it.")
    failed: int = strawberry.field(description="How many of those tell of something that failed.")

    @classmethod
    def of(cls, bucket: log_pages.TimeBucket) -> Self:
        """As the store counted."""
        span_ms = round(bucket.span.total_seconds() * 1000)
        return cls(at=DateTime(to_ms(bucket.at)), span_ms=span_ms, count=bucket.count, failed=bucket.failed)


@strawberry.type(description="A value and how many log lines have it.")
class FacetCount:
    """One value."""

    value: str = strawberry.field(description="The value.")
    count: int = strawberry.field(description="How many lines have it.")
    name: str = strawberry.field(description="For sessions their name, '' when the session is gone; else ''.")

    @classmethod
    def of(cls, found: FoundCount) -> Self:
        """As the search counted."""
        return cls(value=found.value, count=found.count, name=found.name)
