"""The schema as a whole. `python -m graphql_api.schema` prints it; the committed `schema.graphql` is that text."""

from __future__ import annotations

import sys
from functools import cache
from pathlib import Path

import strawberry
from strawberry.schema.config import StrawberryConfig

from graphql_api.mutations.root import Mutation
from graphql_api.queries.root import Query
from graphql_api.subscriptions.root import Subscription
from graphql_api.types.scalars import SCALARS

COMMITTED = Path(__file__).with_name("schema.graphql")


@cache
def build_schema() -> strawberry.Schema:
    """The schema, made once in a process: it is large, and nothing that is served changes it."""
    return strawberry.Schema(
        query=Query, mutation=Mutation, subscription=Subscription, config=StrawberryConfig(scalar_map=SCALARS)
    )


def print_schema(schema: strawberry.Schema) -> str:
    """The schema in the schema definition language."""
    return f"{schema.as_str().strip()}\n"


if __name__ == "__main__":
    sys.stdout.write(print_schema(build_schema()))
