"""Answers that many subscribers share: made and serialised once for each event and distinct operation."""

from __future__ import annotations

import json
import logging
from collections import OrderedDict
from collections.abc import Callable, Hashable

import orjson
from graphql import DocumentNode

from broker.services.live.feeds import Logged, Show
from graphql_api.execution.document_cache import tokens_of
from graphql_api.execution.fast_path import CannotProject, Projector
from graphql_api.execution.live import Opened
from graphql_api.execution.operations import Operation, Response
from graphql_api.subscriptions.session_events import SessionEvents, as_object
from graphql_api.types.log.told import FromLog

_KEPT = 500
"""Compiled selections. Clients of one version send the same few."""
_MOST_TOKENS = 50_000
"""Of the documents they were compiled from, which each of them keeps in memory."""
Answer = Callable[[FromLog], bytes]
_log = logging.getLogger(__name__)


class CommonAnswers:
    """Knows, for each distinct selection on a log, how its answers are made."""

    def __init__(self) -> None:
        self._known: OrderedDict[Hashable, tuple[DocumentNode, Answer | None]] = OrderedDict()
        """With the document, so that its identity stays its own."""
        self._tokens = 0

    def of(self, operation: Operation, opened: Opened) -> tuple[Hashable, Answer] | None:
        """What tells the selection from others, and how it is answered; None when each has to be executed."""
        if not isinstance(opened.items, SessionEvents):
            return None
        key = (id(operation.document), operation.name, _conditions(opened))
        if key not in self._known:
            self._known[key] = operation.document, _compile(opened)
            self._tokens += tokens_of(operation.document)
            while len(self._known) > 1 and (len(self._known) > _KEPT or self._tokens > _MOST_TOKENS):
                _, (document, _) = self._known.popitem(last=False)
                self._tokens -= tokens_of(document)
        self._known.move_to_end(key)
        answer = self._known[key][1]
        return None if answer is None else (key, answer)


def _conditions(opened: Opened) -> Hashable:
    """All that variables can change about a selection: fields of logged events take no arguments."""
    given = opened.executor.variable_values.coerced
    return tuple((name, value) for name, value in given.items() if isinstance(value, bool))


def _compile(opened: Opened) -> Answer | None:
    try:
        projector = Projector(opened.executor)
    except CannotProject:
        return None

    def answer(item: FromLog) -> bytes:
        try:
            return orjson.dumps({"data": projector.data(item)})
        except (CannotProject, orjson.JSONEncodeError):
            return to_json(opened.answer_now(item))

    return answer


def show(key: Hashable, answer: Answer, items: SessionEvents) -> Show[bytes]:
    """How events are made ready for all who want the same of the same events: the end of a `next` message."""

    def of(event: Logged) -> bytes | None:
        return answer(as_object(event)) + b"}" if items.admits(event) else None

    return Show(key=(key, items.wanted), of=of)


def to_json(response: Response) -> bytes:
    """A response as JSON."""
    try:
        return orjson.dumps(response)
    except orjson.JSONEncodeError:  # nested too deeply for it
        return json.dumps(response, ensure_ascii=False, separators=(",", ":")).encode()
