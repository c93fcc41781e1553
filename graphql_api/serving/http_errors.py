"""HTTP errors of a request, found before its operation is read."""

from __future__ import annotations

from broker.domain.errors import BadRequest, RelayError


class UnsupportedMediaType(BadRequest):
    """The body is in a form that is not taken; the message says which is."""

    code = "UNSUPPORTED_MEDIA_TYPE"
    http_status = 415


class NotAcceptable(RelayError):
    """The client takes nothing that this can be answered in."""

    code = "NOT_ACCEPTABLE"
    http_status = 406


class MethodNotAllowed(RelayError):
    """Asked with a method that is not for this."""

    code = "METHOD_NOT_ALLOWED"
    http_status = 405

    def __init__(self, message: str, *, allowed: tuple[str, ...]) -> None:
        super().__init__(message)
        self.allowed = allowed
