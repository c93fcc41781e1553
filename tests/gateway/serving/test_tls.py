"""The gateway's own certificate."""

import asyncio
import logging
import ssl
from pathlib import Path

import httpx
import orjson
import pytest
from websockets.asyncio.client import connect

from broker.domain.errors import BadRequest
from broker.gateway.serving.server import in_clear
from broker.gateway.serving.tls import Certificate
from broker.settings import Settings
from tests.fixtures.certificates import Authority, Pair
from tests.fixtures.gateway import Gateway, serving


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path)


def trusting(authority: Authority) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=authority.file)


def of(pair: Pair) -> Certificate:
    return Certificate(pair.cert, pair.key)


async def shown(url: str, context: ssl.SSLContext) -> bytes:
    """The certificate that a new connection is shown."""
    address = httpx.URL(url)
    _, writer = await asyncio.open_connection(address.host, address.port, ssl=context)
    tls: ssl.SSLObject = writer.get_extra_info("ssl_object")
    found = tls.getpeercert(binary_form=True)
    writer.transport.abort()
    assert found
    return found


async def test_requests_and_sockets_are_encrypted(gateway: Gateway, redis_url: str, authority: Authority) -> None:
    pair = authority.issue()
    await gateway.ok("POST", "/v1/sessions", {"name": "main"})
    headers = {"Authorization": f"Bearer {gateway.key}"}
    async with serving(redis_url, tls_cert=pair.cert, tls_key=pair.key) as url:
        context = trusting(authority)
        assert url.startswith("https:")
        async with httpx.AsyncClient(verify=context, headers=headers) as client:
            assert (await client.get(f"{url}/v1/whoami")).status_code == 200
            made = await client.post(f"{url}/v1/members", json={"name": "Ada", "role": "member"})
            assert made.json()["data"]["url"].startswith("https:")
            code = made.json()["data"]["url"].partition("#")[2]
            signed_in = await client.post(f"{url}/v1/sign-in", json={"code": code})
            assert "; secure" in signed_in.headers["set-cookie"].lower()
        where = url.replace("https", "wss", 1) + "/v1/sessions/main/events"
        async with connect(where, ssl=context, additional_headers=headers, proxy=None) as events:
            assert orjson.loads(await events.recv())["kind"] == "hello"
        async with httpx.AsyncClient() as stranger:
            with pytest.raises(httpx.ConnectError, match="CERTIFICATE_VERIFY_FAILED"):
                await stranger.get(url)


async def test_nothing_older_than_tls_1_2_is_spoken(redis_url: str, authority: Authority) -> None:
    pair = authority.issue()
    async with serving(redis_url, tls_cert=pair.cert, tls_key=pair.key) as url:
        old = trusting(authority)
        old.set_ciphers("ALL:@SECLEVEL=0")
        with pytest.warns(DeprecationWarning):
            old.minimum_version, old.maximum_version = ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1
        with pytest.raises((ssl.SSLError, ConnectionResetError)):
            await shown(url, old)
        oldest = trusting(authority)
        oldest.maximum_version = ssl.TLSVersion.TLSv1_2
        assert await shown(url, oldest)


async def test_changed_files_are_noticed_and_broken_ones_change_nothing(
    authority: Authority, caplog: pytest.LogCaptureFixture
) -> None:
    pair = authority.issue()
    certificate, hurry = of(pair), asyncio.Event()
    following = asyncio.create_task(certificate.follow(hurry, every_s=0.01))
    try:
        with caplog.at_level(logging.INFO):
            pair.cert.write_text("nonsense")
            async with asyncio.timeout(10):
                while "going on with the certificate before" not in caplog.text:
                    await asyncio.sleep(0.01)
            authority.issue()
            hurry.set()
            async with asyncio.timeout(10):
                while "anew" not in caplog.text:
                    await asyncio.sleep(0.01)
    finally:
        following.cancel()
        await asyncio.gather(following, return_exceptions=True)


def test_what_is_wrong_with_the_files_is_said(authority: Authority, tmp_path: Path) -> None:
    good, other = authority.issue("good"), authority.issue("other")
    encrypted = authority.issue("encrypted", passphrase="word")
    nonsense = tmp_path / "nonsense"
    nonsense.write_text("nonsense")
    for cert, key, words in (
        (good.cert, tmp_path / "none", "none: No such file"),
        (tmp_path / "none", good.key, "none: No such file"),
        (good.cert, other.key, "is not that of the certificate"),
        (encrypted.cert, encrypted.key, "is encrypted"),
        (nonsense, good.key, "as PEM"),
        (good.cert, nonsense, "as PEM"),
        (good.key, good.cert, "as PEM"),
    ):
        with pytest.raises(BadRequest) as refused:
            Certificate(cert, key)
        assert words in refused.value.message


def test_a_certificate_that_has_ended_and_a_key_that_others_read_are_warned_of(
    authority: Authority, caplog: pytest.LogCaptureFixture
) -> None:
    of(authority.issue("fine"))
    assert not caplog.text
    over = authority.issue("over", days=-1)
    over.key.chmod(0o644)
    of(over)
    assert "clients will refuse it" in caplog.text
    assert "chmod 600" in caplog.text


@pytest.mark.parametrize(
    ("settings", "warned"),
    [
        (Settings(), False),
        (Settings(host="::1"), False),
        (Settings(host="0.0.0.0"), True),
        (Settings(host="0.0.0.0", public_url="https://relay.example"), False),
        (Settings(host="0.0.0.0", tls_cert=Path("c"), tls_key=Path("k")), False),
        (Settings(host="192.168.1.7"), True),
        (Settings(public_url="http://relay.example"), True),
    ],
)
def test_what_crosses_a_network_unencrypted_is_warned_of_in_a_sentence(settings: Settings, warned: bool) -> None:
    said = in_clear(settings)
    assert (said is not None) is warned
    if said:
        assert "plain HTTP" in said
        assert "--tls-cert" in said
