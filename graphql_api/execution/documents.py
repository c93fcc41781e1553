"""Trusted documents, which clients may request by hash; with `--document-trust only` nothing else is executed.

https://github.com/graphql/graphql-over-http (persisted documents: `documentId`) and the older form of Apollo's clients
(`extensions.persistedQuery`). Nothing is taken into the list at run time.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from graphql import GraphQLError
from pydantic import TypeAdapter, ValidationError

from broker.domain.errors import BadRequest
from broker.domain.plans.api_limits import DocumentTrust
from graphql_api.errors import RequestRefused

_LIST: TypeAdapter[dict[str, str]] = TypeAdapter(dict[str, str])
_SHA256 = "sha256:"


@dataclass(frozen=True, slots=True, kw_only=True)
class GraphQLRequest:
    """What a client asks, by whatever transport."""

    query: str | None = None
    document_id: str | None = None
    operation_name: str | None = None
    variables: Mapping[str, Any] = field(default_factory=dict)
    extensions: Mapping[str, Any] = field(default_factory=dict)


class FoundDocument(NamedTuple):
    """The text of a document, and whether it is in the list."""

    text: str
    listed: bool


class Documents:
    """Finds the text of what is asked."""

    def __init__(self, trust: DocumentTrust, texts: Mapping[str, str]) -> None:
        self._trust = trust
        self._texts = texts

    def find(self, asked: GraphQLRequest) -> FoundDocument:
        """The document. Raises `BadRequest` where none is given, `RequestRefused` where it is not to be had."""
        sha256 = _hash_of(asked)
        if sha256 is None and asked.query is None:
            raise BadRequest("query: the text of a document, or documentId in its place")
        if asked.query is None:
            return FoundDocument(self._list_known(sha256 or ""), listed=True)
        given = hashlib.sha256(asked.query.encode("utf-8", "surrogatepass")).hexdigest()
        if sha256 is not None and sha256 != given:
            raise BadRequest("the document is not the one with that hash")
        if self._trust is DocumentTrust.ONLY and given not in self._texts:
            raise _refuse("DOCUMENT_NOT_TRUSTED", "this broker runs trusted documents only, and that is none of them")
        return FoundDocument(asked.query, listed=given in self._texts)

    def _list_known(self, sha256: str) -> str:
        # Both messages are what clients look for that send the text when the hash does not do.
        if self._trust is DocumentTrust.OFF:
            raise _refuse("PERSISTED_QUERY_NOT_SUPPORTED", "PersistedQueryNotSupported")
        text = self._texts.get(sha256)
        if text is None:
            raise _refuse("PERSISTED_QUERY_NOT_FOUND", "PersistedQueryNotFound")
        return text


def load_documents(path: Path) -> dict[str, str]:
    """Documents by their hash: of a folder's `*.graphql` files, or of a JSON file `{"<sha256>": "<document>"}`.

    Raises `BadRequest` when there are none, or one is not the one with its hash.
    """
    try:
        found = [each.read_text() for each in sorted(path.rglob("*.graphql"))] if path.is_dir() else _of_file(path)
    except (OSError, ValidationError, UnicodeDecodeError) as error:
        raise BadRequest(f"no documents can be read from {path}: {error}") from None
    if not found:
        raise BadRequest(f"there are no *.graphql files in {path}")
    return {hashlib.sha256(text.encode()).hexdigest(): text for text in found}


def _of_file(path: Path) -> list[str]:
    listed = _LIST.validate_json(path.read_bytes())
    for name, text in listed.items():
        if hashlib.sha256(text.encode()).hexdigest() != name.removeprefix(_SHA256):
            raise BadRequest(f"{path}: the document under {name[:80]!r} has another hash (sha256, lower case)")
    return list(listed.values())


def _hash_of(asked: GraphQLRequest) -> str | None:
    if asked.document_id is not None:
        return asked.document_id.removeprefix(_SHA256)
    persisted = asked.extensions.get("persistedQuery")
    if persisted is None:
        return None
    sha256 = persisted.get("sha256Hash") if isinstance(persisted, dict) else None
    if not isinstance(sha256, str):
        raise BadRequest("extensions.persistedQuery: an object with sha256Hash")
    return sha256


def _refuse(code: str, message: str) -> RequestRefused:
    return RequestRefused([GraphQLError(message, extensions={"code": code})])
