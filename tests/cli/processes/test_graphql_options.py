"""What an operator can say of /graphql, on the command line and by the environment."""

from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner

from broker.cli.processes.graphql_options import graphql_options
from broker.domain.plans.api_limits import ApiLimits, DocumentTrust
from broker.settings import GraphQLSettings


def run(*arguments: str, **environ: str) -> tuple[GraphQLSettings | None, str]:
    """The settings that a command gets, and what it prints."""
    got: list[GraphQLSettings] = []

    @click.command()
    @graphql_options
    def command(*, graphql: Any) -> None:
        got.append(graphql)

    result = CliRunner().invoke(command, arguments, env=environ)
    return (got[0] if got else None), result.output


def test_nothing_said_is_the_usual() -> None:
    assert run() == (GraphQLSettings(), "")


def test_limits_are_named_one_by_one() -> None:
    settings, _ = run("--graphql-limit", "max_cost=7", "--graphql-limit", "rate_per_s=9", "--no-introspection")
    assert settings == GraphQLSettings(limits=ApiLimits(max_cost=7, rate_per_s=9, introspection=False))
    settings, _ = run(RELAYCAST_GRAPHQL_LIMITS="max_cost=7 rate_per_s=9", RELAYCAST_INTROSPECTION="0")
    assert settings == GraphQLSettings(limits=ApiLimits(max_cost=7, rate_per_s=9, introspection=False))


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("max_cast=1", "no limit called 'max_cast'"),
        ("introspection=1", "no limit called"),
        ("max_cost=0", "max_cost is a whole number from 1"),
        ("max_cost=-1", "whole number"),
        ("max_cost=many", "whole number"),
        ("max_cost", "whole number"),
    ],
)
def test_a_limit_that_makes_no_sense_is_refused_with_the_reason(given: str, said: str) -> None:
    settings, output = run("--graphql-limit", given)
    assert settings is None
    assert said in " ".join(output.split())


def test_documents_are_allowed_where_there_are_any(tmp_path: Path) -> None:
    settings, _ = run("--trusted-documents", str(tmp_path))
    assert settings == GraphQLSettings(trusted_documents=tmp_path, document_trust=DocumentTrust.ALLOW)
    settings, _ = run("--trusted-documents", str(tmp_path), "--document-trust", "only")
    assert settings == GraphQLSettings(trusted_documents=tmp_path, document_trust=DocumentTrust.ONLY)
    assert "--document-trust needs --trusted-documents" in run("--document-trust", "only")[1]
