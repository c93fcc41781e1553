"""The schema as a document: it does not drift unnoticed, and says what everything in it means."""

from collections.abc import Iterator

from graphql import GraphQLEnumType, GraphQLInputObjectType, GraphQLInterfaceType, GraphQLObjectType, GraphQLSchema

from graphql_api.schema import COMMITTED, build_schema, print_schema


def test_the_committed_schema_is_the_one_that_is_served() -> None:
    assert print_schema(build_schema()) == COMMITTED.read_text(), (
        "the schema has changed: `python -m graphql_api.schema > graphql_api/schema.graphql`, then commit it"
    )


def test_every_type_field_argument_and_value_is_described() -> None:
    assert list(_undescribed(build_schema()._schema)) == []


def _undescribed(schema: GraphQLSchema) -> Iterator[str]:
    for name, kind in schema.type_map.items():
        if name.startswith("__"):
            continue
        if not kind.description:
            yield name
        if isinstance(kind, GraphQLEnumType):
            yield from (f"{name}.{value}" for value, each in kind.values.items() if not each.description)
        if isinstance(kind, GraphQLInputObjectType):
            yield from (f"{name}.{field}" for field, each in kind.fields.items() if not each.description)
        if isinstance(kind, GraphQLObjectType | GraphQLInterfaceType):
            yield from _undescribed_fields(kind)


def _undescribed_fields(kind: GraphQLObjectType | GraphQLInterfaceType) -> Iterator[str]:
    for name, field in kind.fields.items():
        if not field.description:
            yield f"{kind.name}.{name}"
        yield from (f"{kind.name}.{name}({given})" for given, each in field.args.items() if not each.description)
