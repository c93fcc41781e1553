"""The options of commands that serve /graphql, as one part of the settings."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path
from typing import Any

import click

from broker.cli.options import together
from broker.domain.plans.api_limits import ApiLimits, DocumentTrust
from broker.settings import GraphQLSettings

_NUMBERS = {each.name: each.default for each in fields(ApiLimits) if each.type == "int"}
_DIGITS = 12


def _limit(text: str) -> tuple[str, int]:
    name, _, number = text.partition("=")
    if name not in _NUMBERS:
        raise click.BadParameter(f"there is no limit called {name!r}; there are {', '.join(_NUMBERS)}")
    if not number.isascii() or not number.isdigit() or not int(number[:_DIGITS]) >= 1:
        raise click.BadParameter(f"{name} is a whole number from 1")
    return name, int(number[:_DIGITS])


def graphql_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add them; the command gets them as `graphql`."""

    @functools.wraps(command)
    def collected(
        *,
        introspection: bool,
        limits: tuple[tuple[str, int], ...],
        trusted_documents: Path | None,
        document_trust: str | None,
        graphiql: Path | None,
        **others: Any,
    ) -> Any:
        trust = document_trust or (DocumentTrust.ALLOW if trusted_documents else DocumentTrust.OFF)
        if trusted_documents is None and trust != DocumentTrust.OFF:
            raise click.UsageError("--document-trust needs --trusted-documents")
        settings = GraphQLSettings(
            limits=ApiLimits(introspection=introspection, **dict(limits)),
            trusted_documents=trusted_documents,
            document_trust=DocumentTrust(trust),
            graphiql=graphiql,
        )
        return command(graphql=settings, **others)

    return together(
        click.option(
            "--introspection/--no-introspection",
            envvar="RELAYCAST_INTROSPECTION",
            default=True,
            show_default=True,
            help="Allow introspection of the schema at /graphql.",
        ),
        click.option(
            "--graphql-limit",
            "limits",
            envvar="RELAYCAST_GRAPHQL_LIMITS",
            multiple=True,
            type=_limit,
            metavar="NAME=NUMBER",
            help=f"Change a limit: {', '.join(f'{name} ({number:,})' for name, number in _NUMBERS.items())}."
            " Can be repeated.",
        ),
        click.option(
            "--trusted-documents",
            envvar="RELAYCAST_TRUSTED_DOCUMENTS",
            type=click.Path(path_type=Path, exists=True),
            help="A folder of *.graphql files, or a JSON file of documents by hash; clients may send the hash of one.",
        ),
        click.option(
            "--document-trust",
            envvar="RELAYCAST_DOCUMENT_TRUST",
            type=click.Choice([trust.value for trust in DocumentTrust]),
            help="`only`: /graphql runs trusted documents and nothing else.  [default: allow, where there are any]",
        ),
        click.option(
            "--graphiql",
            envvar="RELAYCAST_GRAPHIQL",
            type=click.Path(path_type=Path, exists=True, file_okay=False),
            help="For developers: show GraphiQL at /graphql, from the folder that `make graphiql` installs it into.",
        ),
    )(collected)
