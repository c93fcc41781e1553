"""Linking this machine by the code that `relaycast machine enrol` prints."""

from __future__ import annotations

import asyncio

from broker.domain.errors import BadRequest
from broker.domain.people.enrolment import read_code
from connect.access.endpoint import Endpoint, GivenToken, TokenSource
from connect.access.token_calls import CannotExchange, exchange_code


def enrol(endpoint: Endpoint, code: str) -> GivenToken:
    """A token that links machines, for the code, which is used up by it.

    Raises `BadRequest` for what is no code, or a broker that knows none; `NotAuthenticated`, `Unavailable`.
    """
    try:
        token = asyncio.run(exchange_code(endpoint, read_code(code)))
    except CannotExchange:
        raise BadRequest(
            f"{endpoint.host} takes no codes, as it is of an older version: link this machine with --token-file",
            code="NO_ENROLMENT",
        ) from None
    return GivenToken(text=token, source=TokenSource.ENROLMENT)
