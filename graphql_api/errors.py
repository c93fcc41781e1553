"""Where everything that goes wrong becomes part of a GraphQL response.

A refusal shows its code and message. What nobody foresaw is logged under an incident's id and shown masked.
"""

from __future__ import annotations

import logging
import uuid
from collections.abc import Sequence
from typing import Any

from graphql import GraphQLError, GraphQLSyntaxError

from broker.domain.errors import RelayError
from broker.telemetry import count_refusal

_log = logging.getLogger(__name__)
SYNTAX = "GRAPHQL_SYNTAX"
INVALID = "GRAPHQL_INVALID"
"""The document does not fit the schema, or the variables do not fit the document."""


class RequestRefused(Exception):
    """The operation was not begun: its document or its variables are wrong, or break a limit."""

    def __init__(self, errors: Sequence[GraphQLError]) -> None:
        super().__init__(errors[0].message)
        self.errors = errors

    @property
    def shown(self) -> list[dict[str, Any]]:
        """As the response has it."""
        return [show(error) for error in self.errors]


def show(error: GraphQLError) -> dict[str, Any]:
    """An error as the response has it: message, locations, path and `extensions.code`."""
    cause = error.original_error
    if isinstance(cause, RelayError):
        return _format(error, error.message if error.path is None else cause.message, _extensions(cause))
    if cause is None or isinstance(cause, GraphQLError):
        code = SYNTAX if isinstance(error, GraphQLSyntaxError) else INVALID
        return _format(error, error.message, {"code": code, **(error.extensions or {})})
    return _format(error, **incident(cause, error.path))


def refusal_shown(error: RelayError) -> dict[str, Any]:
    """A refusal of a whole request."""
    return {"message": error.message, "extensions": _extensions(error)}


def incident(cause: BaseException, where: object) -> dict[str, Any]:
    """What nobody foresaw: logged under an id, which is all that is shown."""
    number = uuid.uuid4().hex[:12]
    _log.error("incident %s at %s", number, where, exc_info=cause)
    message = f"something went wrong here; the log has it as incident {number}"
    return {"message": message, "extensions": {"code": RelayError.code, "retryable": False, "incident": number}}


def _extensions(cause: RelayError) -> dict[str, Any]:
    count_refusal(cause)
    extensions: dict[str, Any] = {"code": cause.code, "retryable": cause.retryable}
    if cause.retry_after_s is not None:
        extensions["retryAfterSeconds"] = cause.retry_after_s
    return {**extensions, "details": cause.details} if cause.details else extensions


def _format(error: GraphQLError, message: str, extensions: dict[str, Any]) -> dict[str, Any]:
    formatted: dict[str, Any] = {"message": message}
    if error.locations:
        formatted["locations"] = [{"line": place.line, "column": place.column} for place in error.locations]
    if error.path is not None:
        formatted["path"] = error.path
    return {**formatted, "extensions": extensions}
