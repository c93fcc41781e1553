"""The limits of a document, checked before execution. Each error has a stable code and names the limit.

The numbers are in `broker/domain/plans/api_limits.py`; depth, fields and cost are reckoned in `weight.py`.
"""

from __future__ import annotations

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    GraphQLSchema,
    GraphQLSyntaxError,
    OperationDefinitionNode,
    Visitor,
    parse,
    visit,
)

from broker.domain.plans.api_limits import ApiLimits
from graphql_api.execution.weight import INTROSPECTION, Scales, Weight, refusal

_AT_A_LIMIT = "Parsing aborted."
"""How the parser ends what it says about a text that is too long or too deep."""


class DocumentLimits:
    """Holds documents against the limits, before they are held against the schema."""

    def __init__(self, schema: GraphQLSchema, limits: ApiLimits) -> None:
        self._schema = schema
        self._limits = limits

    def parse_document(self, text: str) -> DocumentNode:
        """The document of a text that is short enough. Raises `GraphQLError`."""
        limits = self._limits
        try:
            return parse(
                text,
                max_lexical_tokens=limits.max_tokens,
                max_comments=limits.max_tokens,
                max_source_length=limits.max_source_length,
            )
        except GraphQLSyntaxError as error:
            if not error.description.endswith(_AT_A_LIMIT):
                raise
            raise refusal("DOCUMENT_TOO_LARGE", error.description) from None

    def weights(self, document: DocumentNode) -> dict[str | None, Weight]:
        """The most each operation can weigh, by its name. Raises `GraphQLError`."""
        limits = self._limits
        operations = [each for each in document.definitions if isinstance(each, OperationDefinitionNode)]
        if len(operations) > limits.max_operations:
            raise refusal(
                "TOO_MANY_OPERATIONS", f"{len(operations)} operations; at most {limits.max_operations} at once"
            )
        visit(document, _Fields(limits))
        scales = self.scales(document)
        weights = {each.name.value if each.name else None: scales.weigh(each) for each in operations}
        for weight in weights.values():
            if not weight.varies:
                self.check_cost(weight)
        return weights

    def scales(self, document: DocumentNode) -> Scales:
        """What weighs the document's operations."""
        fragments = {each.name.value: each for each in document.definitions if isinstance(each, FragmentDefinitionNode)}
        return Scales(self._schema, fragments, self._limits)

    def check_cost(self, weight: Weight) -> None:
        """Raise `GraphQLError` for what costs too much."""
        if weight.cost > (most := self._limits.max_cost):
            raise refusal("TOO_COSTLY", f"the operation costs {weight.cost}; at most {most}: ask for shorter pages")


class _Fields(Visitor):
    """Looks at every field as it is written, in fragments that nobody uses too."""

    def __init__(self, limits: ApiLimits) -> None:
        super().__init__()
        self._limits = limits
        self._aliases = 0

    def enter_field(self, node: FieldNode, *_place: object) -> None:
        """Count the alias, and let introspection pass or not."""
        if node.alias:
            self._aliases += 1
            if self._aliases > (most := self._limits.max_aliases):
                raise refusal("TOO_MANY_ALIASES", f"more than {most} aliases in a document", node)
        if node.name.value in INTROSPECTION and not self._limits.introspection:
            raise refusal("INTROSPECTION_OFF", "this broker does not show its schema; it is in the documentation", node)
