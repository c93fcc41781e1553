"""The types of the schema, one module for each concept."""

# Enums are described before any type uses them: Strawberry describes on first use, once and for all.
from graphql_api.types import enums as enums
