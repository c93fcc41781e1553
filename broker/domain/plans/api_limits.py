"""The limits of the GraphQL API for one caller."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class DocumentTrust(StrEnum):
    """What the list of trusted documents is for."""

    OFF = "off"
    """Nothing."""
    ALLOW = "allow"
    """A client may send a document's hash in place of its text."""
    ONLY = "only"
    """And nothing else is run."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiLimits:
    """Requests over a limit are rejected before execution; the error names the limit."""

    max_source_length: int = 100_000
    """Characters of a document."""
    max_tokens: int = 4000
    """Words and signs of a document."""
    max_operations: int = 20
    """Of a document, of which a request runs one."""
    max_aliases: int = 50
    """Renamed fields of a document."""
    max_root_fields: int = 20
    """Of one operation."""
    max_depth: int = 15
    """Fields within fields; introspection has a limit of its own."""
    max_fields: int = 1000
    """Of one operation, with its fragments expanded."""
    max_merges: int = 2000
    """Pairs of fields that share a place in the response. The rule that they agree compares each with each."""
    max_cost: int = 10_000
    """See `graphql_api/execution/weight.py`."""
    max_page: int = 100
    """`first` and `last` of a connection."""
    introspection: bool = True
    operations_per_connection: int = 100
    """Running at the same time on one socket."""
    rate_per_s: int = 50
    """Points that a token earns each second. An operation takes one, and one more for each hundred of its cost.
    A document that was not seen before takes one for each hundred of its characters, valid or not."""
    rate_burst: int = 500
    """Points that a token can save up."""

    def reading_points(self, characters: int) -> int:
        """What reading a text takes that is not known yet; one that fits the limits can always be paid."""
        return min(characters // 100, self.rate_burst)

    def points(self, cost: int) -> int:
        """What an operation of that cost takes of its token's points; one that fits the limits can always be paid."""
        return min(1 + cost // 100, self.rate_burst)
