"""`relaycast sso` against a gateway and a certified identity provider."""

from __future__ import annotations

import json

import httpx
import pytest

from broker.services.people.single_sign_on import ANSWER_PATH
from tests.fixtures.gateway import Gateway, gateway_for, serving
from tests.fixtures.identity_provider import CLIENT, CLIENT_SECRET, identity_provider
from tests.fixtures.shell import shell_of


async def test_single_sign_on_is_set_up_shown_and_ended(
    gateway: Gateway, redis_url: str, client: httpx.AsyncClient
) -> None:
    async with (
        serving(redis_url, allow_outbound=("127.0.0.0/8",)) as url,
        identity_provider(answer_at=[url + ANSWER_PATH]) as provider,
        gateway_for(gateway.workspace, url=url, redis_url=redis_url, client=client) as opened,
    ):
        shell = shell_of(opened)
        before = await shell("sso", "show")
        assert before.exit_code == 0
        assert url + ANSWER_PATH in before.stdout  # what one registers at the provider, before anything else

        wrong = await shell("sso", "set", "--issuer", provider.issuer, "--client-id", CLIENT, "--secret", "SSO")
        assert (wrong.exit_code, "SECRET_NOT_FOUND" in wrong.stderr) == (2, True)
        await opened.ok("POST", "/v1/secrets", {"name": "SSO", "value": CLIENT_SECRET})
        options = ["--domain", "Example.com", "--joins-as", "viewer", "--required", "--hours", "8"]
        done = await shell(
            "sso", "set", "--issuer", provider.issuer, "--client-id", CLIENT, "--secret", "SSO", *options
        )
        assert done.exit_code == 0, done.output
        shown = json.loads((await shell("sso", "show", "--json")).stdout)
        assert shown["provider"] == {
            "issuer": provider.issuer,
            "client_id": CLIENT,
            "secret": "SSO",
            "domains": ["example.com"],
            "joins_as": "viewer",
            "required": True,
            "hours": 8,
        }
        lines = {line[:14].strip(): line[14:] for line in (await shell("sso", "show")).stdout.splitlines()}
        assert lines["new people"] == "become viewers"
        assert lines["required"] == "yes, but for owners"
        assert CLIENT_SECRET not in str(lines)

        assert (await shell("sso", "remove", "--yes")).exit_code == 0
        assert (await shell("sso", "remove", "--yes")).exit_code == 2


@pytest.mark.parametrize("wrong", [["--hours", "0"], ["--joins-as", "owner"], ["--issuer", "ldap://example.com"]])
async def test_what_cannot_be_is_said(gateway: Gateway, wrong: list[str]) -> None:
    shell = shell_of(gateway)
    said = await shell("sso", "set", "--issuer", "https://login.example.com", "--client-id", "relaycast", *wrong)
    assert said.exit_code == 2
    assert "Traceback" not in said.output
