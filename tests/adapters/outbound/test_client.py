"""The guarded client against real servers, and names that mean something else a moment later."""

import gzip
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from broker.adapters.outbound.client import MAX_ANSWER_BYTES, GuardedClient
from broker.domain.errors import OutboundFailed, OutboundRefused
from broker.domain.outbound.addresses import AddressPolicy
from tests.fixtures.certificates import Authority
from tests.fixtures.ports import reserved_port
from tests.fixtures.receiver import DRIP, answer, receiving

OPENED = AddressPolicy(["127.0.0.0/8", "::1/128"])


def named(**hosts: list[str]) -> Callable[[str, int], Awaitable[list[str]]]:
    """A resolver of a few names; each asking takes the next address of a list, the last again and again."""

    async def resolve(host: str, _port: int) -> list[str]:
        known = hosts[host.partition(".")[0]]
        return known.pop(0).split() if len(known) > 1 else known[0].split()

    return resolve


@asynccontextmanager
async def client(policy: AddressPolicy = OPENED, **options: object) -> AsyncIterator[GuardedClient]:
    made = GuardedClient(policy, **options)  # type: ignore[arg-type]  # as the tests give them
    try:
        yield made
    finally:
        await made.close()


async def test_an_answer_has_its_status_its_beginning_and_when_to_come_back() -> None:
    async with client() as guarded, receiving(answer(429, b"slow down", Retry_After="120")) as receiver:
        got = await guarded.post(f"http://127.0.0.1:{receiver.port}/in?x=1", body=b"{}", headers={"X-Own": "1"})
    assert (got.status, got.body, got.retry_after) == (429, b"slow down", "120")
    (request,) = receiver.requests
    assert (request.path, request.body, request.headers["x-own"]) == ("/in?x=1", b"{}", "1")
    assert request.headers["host"] == f"127.0.0.1:{receiver.port}"


@pytest.mark.parametrize(
    "host",
    [
        *("127.0.0.1", "localhost", "2130706433", "0x7f000001", "0177.0.0.1", "127.1", "[::1]", "[::ffff:127.0.0.1]"),
        *("①②⑦.⓪.⓪.①", "0.0.0.0", "169.254.169.254", "[::ffff:a9fe:a9fe]", "[64:ff9b::7f00:1]"),
    ],
)
async def test_what_is_inside_is_not_called_however_it_is_spelled(host: str) -> None:
    async with client(AddressPolicy()) as guarded, receiving() as receiver:
        with pytest.raises((OutboundRefused, OutboundFailed)) as refused:
            await guarded.post(f"http://{host}:{receiver.port}/", body=b"", headers={})
        assert refused.value.code in {"OUTBOUND_NOT_ALLOWED", "OUTBOUND_NOT_FOUND", "OUTBOUND_BAD_URL"}
        assert receiver.connections == 0


async def test_the_address_that_was_checked_is_the_one_that_is_called() -> None:
    addresses = ["127.0.0.1", "169.254.169.254"]
    async with client(resolve=named(rebinding=addresses)) as guarded, receiving() as receiver:
        url = f"http://rebinding.test:{receiver.port}/"
        assert (await guarded.post(url, body=b"", headers={})).status == 200
        assert receiver.requests[0].headers["host"] == f"rebinding.test:{receiver.port}"
        with pytest.raises(OutboundRefused, match=r"169\.254\.169\.254, in a network that this broker does not call"):
            await guarded.post(url, body=b"", headers={})
        assert receiver.connections == 1


async def test_a_name_with_one_address_inside_is_refused_whole() -> None:
    async with client(resolve=named(mixed=["127.0.0.1 10.0.0.1"])) as guarded, receiving() as receiver:
        with pytest.raises(OutboundRefused):
            await guarded.post(f"http://mixed.test:{receiver.port}/", body=b"", headers={})
        assert receiver.connections == 0


async def test_another_address_is_tried_where_the_first_does_not_answer() -> None:
    async with client(resolve=named(two=["127.0.0.2 127.0.0.1"])) as guarded, receiving() as receiver:
        assert (await guarded.post(f"http://two.test:{receiver.port}/", body=b"x", headers={})).status == 200
        assert [each.body for each in receiver.requests] == [b"x"]


async def test_plain_http_goes_to_networks_alone_that_were_opened() -> None:
    async with client(AddressPolicy(), resolve=named(public=["1.1.1.1"])) as guarded:
        with pytest.raises(OutboundRefused, match="over https only") as refused:
            await guarded.post("http://public.test/", body=b"", headers={})
    assert refused.value.code == "OUTBOUND_INSECURE"


async def test_redirects_are_answers_and_not_followed() -> None:
    async with client() as guarded, receiving() as target:
        async with receiving(answer(307, Location=f"http://127.0.0.1:{target.port}/")) as receiver:
            got = await guarded.post(f"http://127.0.0.1:{receiver.port}/", body=b"", headers={})
        assert (got.status, target.connections) == (307, 0)


@pytest.mark.parametrize("location", ["http:\x8e/127.0.0.1/", "http://[::1/", "http://x:99999999/", "//\u2024"])
async def test_where_a_redirect_points_is_not_even_read(location: str) -> None:
    redirect = f"HTTP/1.1 302 X\r\nContent-Length: 0\r\nConnection: close\r\nLocation: {location}\r\n\r\n"
    async with client() as guarded, receiving(redirect.encode("latin-1", "replace")) as receiver:
        assert (await guarded.post(f"http://127.0.0.1:{receiver.port}/", body=b"", headers={})).status == 302


async def test_only_the_beginning_of_a_long_answer_is_read_and_nothing_is_unpacked() -> None:
    bomb = gzip.compress(b"0" * 10_000_000)
    async with client() as guarded:
        async with receiving(answer(200, b"x" * 1_000_000)) as receiver:
            long = await guarded.post(f"http://127.0.0.1:{receiver.port}/", body=b"", headers={})
        async with receiving(answer(200, bomb, Content_Encoding="gzip")) as receiver:
            packed = await guarded.post(f"http://127.0.0.1:{receiver.port}/", body=b"", headers={})
    assert long.body == b"x" * MAX_ANSWER_BYTES
    assert packed.body == bomb[:MAX_ANSWER_BYTES]


@pytest.mark.parametrize("never", [None, DRIP])
async def test_one_that_never_comes_to_an_end_is_given_up(never: bytes | None) -> None:
    async with client(total_s=0.5) as guarded, receiving(never) as receiver:
        with pytest.raises(OutboundFailed, match=r"did not answer within 0\.5 s") as failed:
            await guarded.post(f"http://127.0.0.1:{receiver.port}/", body=b"", headers={})
    assert failed.value.code == "OUTBOUND_TIMEOUT"


async def test_one_that_is_not_there_or_speaks_no_http_is_a_failure() -> None:
    async with client() as guarded, receiving(b"SSH-2.0-OpenSSH\r\n\r\n") as receiver:
        with reserved_port() as nobody:
            pass
        for port in (nobody, receiver.port):
            with pytest.raises(OutboundFailed):
                await guarded.post(f"http://127.0.0.1:{port}/", body=b"", headers={})


async def test_a_name_that_is_not_there_may_be_later() -> None:
    async def nothing(_host: str, _port: int) -> list[str]:
        raise OSError(-2, "Name or service not known")

    async with client(resolve=nothing) as guarded:
        with pytest.raises(OutboundFailed, match=r"nowhere\.test was not found") as failed:
            await guarded.post("https://nowhere.test/", body=b"", headers={})
    assert failed.value.retryable


async def test_a_certificate_is_checked_for_the_name_and_not_for_the_address(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    pair = authority.issue()
    served = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    served.load_cert_chain(pair.cert, pair.key)
    names: list[str | None] = []
    served.sni_callback = lambda _socket, name, _context: names.append(name)
    trusted = ssl.create_default_context(cafile=authority.file)
    resolve = named(localhost=["127.0.0.3"], other=["127.0.0.3"])
    async with (
        client(resolve=resolve, tls=trusted) as guarded,
        receiving(host="127.0.0.3", tls=served) as receiver,
    ):
        assert (await guarded.post(f"https://localhost:{receiver.port}/", body=b"", headers={})).status == 200
        with pytest.raises(OutboundFailed, match=r"(?i)certificate"):
            await guarded.post(f"https://other.test:{receiver.port}/", body=b"", headers={})
    assert names == ["localhost", "other.test"]
    assert len(receiver.requests) == 1


async def test_the_proxy_of_the_environment_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    async with client() as before, receiving() as proxy, receiving() as receiver:
        for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
            monkeypatch.setenv(name, f"http://127.0.0.1:{proxy.port}")
        del before
        async with client() as guarded:
            await guarded.post(f"http://127.0.0.1:{receiver.port}/", body=b"", headers={})
        assert (len(receiver.requests), proxy.connections) == (1, 0)
