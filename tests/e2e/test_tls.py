"""A broker with a certificate of a private authority, and all that speaks to it."""

import asyncio
import signal
import ssl
from pathlib import Path

import httpx
import pytest

from broker.domain.errors import RelayError
from connect.sdk import AgentRelay
from tests.fixtures.certificates import Authority
from tests.fixtures.processes import Running, environment, key_of, machine, up


async def shown(broker: Running, context: ssl.SSLContext) -> bytes:
    """The certificate that a new connection is shown."""
    address = httpx.URL(broker.url)
    _, writer = await asyncio.open_connection(address.host, address.port, ssl=context)
    tls: ssl.SSLObject = writer.get_extra_info("ssl_object")
    found = tls.getpeercert(binary_form=True)
    writer.transport.abort()
    assert found
    return found


async def test_everything_speaks_tls_with_a_private_authority_and_goes_on_when_the_certificate_changes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    authority = Authority(tmp_path)
    pair = authority.issue()
    context = ssl.create_default_context(cafile=authority.file)
    async with up(tmp_path, "--tls-cert", str(pair.cert), "--tls-key", str(pair.key)) as broker:
        assert broker.url.startswith("https:")
        async with AgentRelay(broker.url, key_of(broker), "main") as stranger:
            with pytest.raises(RelayError):
                await stranger.session()
        monkeypatch.setenv("SSL_CERT_FILE", str(authority.file))
        assert environment(tmp_path)["SSL_CERT_FILE"]
        async with (
            machine(tmp_path, broker.url, Path(broker.ready["token_file"])) as linked,
            AgentRelay(broker.url, key_of(broker), "main") as relay,
        ):
            await relay.spawn("Worker", "demo", "say hello")
            before = await shown(broker, context)
            authority.issue()
            broker.process.send_signal(signal.SIGHUP)
            async with asyncio.timeout(30):
                while await shown(broker, context) == before:
                    await asyncio.sleep(0.02)
            sent = await relay.send("Worker", "say again")
            await relay.wait_for(sent.message_id, timeout_s=60)
            assert linked.process.returncode is None
