"""What holds on every route and socket there is. The routes come from the application itself."""

import asyncio
import socket
from collections.abc import Iterable

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route, WebSocketRoute
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus
from websockets.typing import Origin, Subprotocol

from broker.app import build_app
from broker.gateway.serving.edge import GUARDS, broken
from broker.gateway.serving.hosts import Hosts, WrongHost, names_of_machine
from broker.settings import Settings
from tests.fixtures.browser import open_browser
from tests.fixtures.gateway import Gateway, closing, serving
from tests.gateway.serving.test_http_protocol import said_to

EVIL = "http://evil.example"
_METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "PROPFIND")


def addresses(routes: Iterable[BaseRoute], kind: type[Route] | type[WebSocketRoute]) -> list[str]:
    """One address for each route, with something in the place of each parameter."""
    paths = [route.path.replace("{rest:path}", "x") for route in routes if isinstance(route, kind)]
    return sorted({path.replace("{", "").replace("}", "") for path in paths})


def routes(gateway: Gateway) -> list[BaseRoute]:
    found = build_app(Settings(), adapters=gateway.adapters).routes
    assert len(found) > 50
    return found


def require_guards(answer: httpx.Response) -> None:
    said = {name: answer.headers.get(name) for name in GUARDS}
    public = answer.headers.get("content-security-policy") or answer.headers.get("etag")
    if public or answer.headers["cache-control"] == "no-cache":  # pages, their files, and event streams
        said["cache-control"] = GUARDS["cache-control"]
    if answer.headers.get("content-security-policy"):
        assert answer.headers["cross-origin-opener-policy"] == "same-origin"
        assert "camera=()" in answer.headers["permissions-policy"]
    assert said == GUARDS, answer.url
    assert "server" not in answer.headers


async def test_every_answer_of_every_route_says_what_a_browser_may_do_with_it(gateway: Gateway) -> None:
    async with httpx.AsyncClient(base_url=gateway.url, timeout=30) as client:
        for path in [*addresses(routes(gateway), Route), "/no-such-path", "/v1/no-such-path", "/assets/x"]:
            for method in _METHODS:
                answer = await client.request(method, path)
                is_off = "was not built" in answer.text or "BILLING_NOT_CONFIGURED" in answer.text
                assert answer.status_code < 500 or is_off, (method, path)
                require_guards(answer)


async def test_no_route_answers_to_a_name_that_somebody_else_gave_the_broker(gateway: Gateway) -> None:
    headers = {"Host": "evil.example", "Origin": EVIL, "Authorization": f"Bearer {gateway.key}"}
    async with httpx.AsyncClient(base_url=gateway.url, timeout=30) as client:
        for path in [*addresses(routes(gateway), Route), "/no-such-path"]:
            for method in ("GET", "POST"):
                answer = await client.request(method, path, headers=headers)
                assert answer.status_code == 421, (method, path)
                assert answer.json()["error"]["code"] == "WRONG_HOST"
                require_guards(answer)


async def test_no_route_is_written_to_by_a_page_of_somebody_else(gateway: Gateway) -> None:
    async with httpx.AsyncClient(base_url=gateway.url, timeout=30) as client:
        for path in addresses(routes(gateway), Route):
            for origin in (EVIL, "null", "https://127.0.0.1", "file://"):
                answer = await client.post(path, headers={"Origin": origin}, content=b"{}")
                assert (answer.status_code, answer.json()["error"]["code"]) == (403, "ORIGIN_REFUSED"), path


async def test_no_socket_opens_for_another_name_or_page(gateway: Gateway) -> None:
    here = httpx.URL(gateway.url)
    for path in addresses(routes(gateway), WebSocketRoute):
        for name, origin in (("evil.example", None), (here.host, EVIL), (here.host, "null")):
            for offered, code in ((None, 4503), ([Subprotocol("graphql-transport-ws")], 4403)):
                async with connect(
                    f"ws://{name}:{here.port}{path}",
                    host=here.host,
                    port=here.port,
                    origin=None if origin is None else Origin(origin),
                    subprotocols=offered,
                    proxy=None,
                ) as opened:
                    assert await closing(opened) == code, (path, name, origin)


async def test_a_request_has_one_name(redis_url: str) -> None:
    async with serving(redis_url) as url:
        said = b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n"
        assert b" 400 Bad Request" in await said_to(url, said)


async def test_a_page_with_a_name_that_was_made_to_lead_here_gets_nothing(gateway: Gateway) -> None:
    """DNS rebinding: to the browser, the page and the broker are one origin."""
    port = httpx.URL(gateway.url).port
    headers = {"Host": f"evil.example:{port}", "Origin": f"http://evil.example:{port}"}
    async with open_browser(gateway) as browser:
        made = await gateway.ok("POST", "/v1/members", {"name": "Ada", "role": "member"})
        await browser.sign_in(made["url"])
        for method, path in (("GET", "/v1/whoami"), ("POST", "/v1/sign-in"), ("POST", "/graphql"), ("GET", "/")):
            answer = await browser.client.request(
                method, gateway.url + path, content=b"{}", headers={**headers, "Cookie": browser.cookie}
            )
            assert answer.status_code == 421, path
            assert "set-cookie" not in answer.headers


async def test_a_page_of_another_origin_may_not_speak_for_an_agent(gateway: Gateway) -> None:
    answer = await gateway.call("POST", "/mcp", {}, Origin=EVIL)
    assert (answer.status_code, answer.json()["error"]["code"]) == (403, "ORIGIN_REFUSED")


@pytest.mark.parametrize(
    "said", [b"nonsense\r\n\r\n", b"GET / HTTP/9.9\r\n\r\n", b"GET / HTTP/1.1\r\nX: " + b"x" * 70_000]
)
async def test_refusals_of_the_parser_say_it_too(redis_url: str, said: bytes) -> None:
    async with serving(redis_url) as url:
        answer = (await said_to(url, said)).lower()
    assert answer.startswith(b"http/1.1 4")
    for name, value in GUARDS.items():
        assert f"{name}: {value}\r\n".lower().encode() in answer
    assert b"\r\nserver:" not in answer


async def test_a_socket_where_there_is_none_is_refused_without_a_word_of_the_server(gateway: Gateway) -> None:
    with pytest.raises(InvalidStatus) as refused:
        async with connect(f"{gateway.ws_url}/v1/whoami", proxy=None):
            pass
    assert "server" not in refused.value.response.headers


async def test_encryption_is_insisted_on_where_the_public_url_is_encrypted(redis_url: str) -> None:
    for public, expected in (
        ("https://relay.example", "max-age=31536000"),
        ("https://localhost:8443", None),
        ("http://relay.example", None),
    ):
        async with serving(redis_url, public_url=public) as url, httpx.AsyncClient() as client:
            assert (await client.get(f"{url}/healthz")).headers.get("strict-transport-security") == expected


async def test_a_request_without_a_host_is_of_no_browser(redis_url: str) -> None:
    async with serving(redis_url) as url:
        assert b" 200 OK" in await said_to(url, b"GET /healthz HTTP/1.0\r\n\r\n")


def test_a_broker_that_is_reached_from_elsewhere_has_the_names_of_its_machine() -> None:
    name = socket.gethostname()
    assert names_of_machine("127.0.0.1") == names_of_machine("::1") == ()
    assert name in names_of_machine("0.0.0.0")
    assert names_of_machine("relay.internal") == ("relay.internal",)
    Hosts("http://127.0.0.1", names_of_machine("::")).require(f"{name}:8787")
    with pytest.raises(WrongHost, match="--allow-host"):
        Hosts("http://127.0.0.1", names_of_machine("127.0.0.1")).require("evil.example")


async def test_what_breaks_unforeseen_is_told_masked_and_guarded() -> None:
    async def breaks(_request: Request) -> Response:
        raise ValueError("a secret")

    app = Starlette(routes=[Route("/", breaks)], exception_handlers={Exception: broken})
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with asyncio.timeout(10), httpx.AsyncClient(transport=transport, base_url="http://x") as client:
        answer = await client.get("/")
    assert answer.status_code == 500
    assert "secret" not in answer.text
    assert answer.headers["cache-control"] == "no-store"


async def test_what_headers_say_of_host_and_scheme_counts_from_a_named_proxy_alone(redis_url: str) -> None:
    evil = {"X-Forwarded-Host": "evil.example", "X-Forwarded-Proto": "https"}
    public = {"X-Forwarded-Host": "relay.example", "Host": "inside.example"}
    here = "127.0.0.5"
    async with (
        serving(redis_url, public_url="http://relay.example", trusted_proxies=(here,)) as url,
        httpx.AsyncClient() as direct,
        httpx.AsyncClient(transport=httpx.AsyncHTTPTransport(local_address=here)) as proxy,
    ):
        for client, headers, status in (
            (proxy, public, 200),
            (proxy, evil, 421),
            (direct, public, 421),  # loopback is nobody special
            (direct, evil, 200),
        ):
            assert (await client.get(f"{url}/healthz", headers=headers)).status_code == status
