"""Whatever a service that the broker calls answers: an answer, or a failure in words, and its delivery is decided."""

import asyncio
import contextlib

from broker.adapters.outbound.client import MAX_ANSWER_BYTES, GuardedClient
from broker.domain.errors import OutboundFailed
from broker.domain.hooks.deliveries import WAITS_S, Outcome, Tried, judge
from broker.domain.outbound.addresses import AddressPolicy
from tests.fixtures.receiver import OK, answer
from tests.fuzz.harness import mutate, patient, reproducible, seeds

pytestmark = patient
_TOTAL_S = 5.0
ANSWERS = [
    OK,
    answer(429, b"slow down", Retry_After="120"),
    answer(503, b"", Retry_After="Wed, 21 Oct 2026 07:28:00 GMT"),
    answer(302, b"", Location="http://127.0.0.1/"),
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
    b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nConnection: close\r\n\r\n\x1f\x8b",
]


async def test_any_answer_of_a_service_is_an_answer_or_a_failure_in_words() -> None:
    said = OK

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            await reader.readuntil(b"\r\n\r\n")
            writer.write(said)
            await writer.drain()
        writer.close()

    client = GuardedClient(AddressPolicy(["127.0.0.0/8"]), total_s=_TOTAL_S)
    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/in"
        for seed in seeds():
            said = mutate(seed, ANSWERS)
            with reproducible(seed, said):
                async with asyncio.timeout(4 * _TOTAL_S):
                    verdict = judge(await tried(client, url), run="r", now_s=0)
                    assert verdict.outcome is Outcome.COMPLETED or verdict.reason
                    assert 0 <= verdict.wait_s <= 1.2 * max(WAITS_S)
        server.close()
    await client.close()


async def tried(client: GuardedClient, url: str) -> Tried:
    """What came of one attempt."""
    try:
        got = await client.post(url, body=b"", headers={})
    except OutboundFailed as failed:
        assert failed.message
        return Tried(attempt=1, reason=failed.message)
    assert len(got.body) <= MAX_ANSWER_BYTES
    return Tried(attempt=1, status=got.status, retry_after=got.retry_after)
