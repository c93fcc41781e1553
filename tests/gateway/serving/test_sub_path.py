"""A broker below a path of somebody else's host, behind proxies that cut the path off and proxies that do not."""

from collections.abc import AsyncIterator
from http.cookies import SimpleCookie

import httpx
import pytest
import pytest_asyncio

from broker.app import build_app
from broker.domain.errors import BadRequest
from broker.gateway.dashboard import Dashboard
from broker.gateway.serving.credentials import Cookie
from broker.gateway.serving.sub_path import require_public_url, require_unlike
from broker.settings import Settings
from tests.fixtures.gateway import Gateway

PUBLIC = "https://host.example/relay"


@pytest_asyncio.fixture(loop_scope="session")
async def shared_host(gateway: Gateway) -> AsyncIterator[httpx.AsyncClient]:
    app = build_app(Settings(public_url=f"{PUBLIC}/"), adapters=gateway.adapters)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="https://host.example") as client:
        yield client


@pytest.mark.parametrize("prefix", ["", "/relay"])
async def test_everything_is_served_with_the_path_and_without_it(shared_host: httpx.AsyncClient, prefix: str) -> None:
    for path, status in (
        ("/healthz", 200),
        ("/v1/whoami", 401),
        ("/v1/nothing", 404),
        ("/graphql?query={__typename}", 401),
        ("/mcp", 405),  # it is there, for POST
    ):
        answer = await shared_host.get(prefix + path, headers={"Accept": "application/json"})
        assert answer.status_code == status, path


async def test_a_path_that_only_begins_alike_is_another(shared_host: httpx.AsyncClient) -> None:
    answer = await shared_host.get("/relayed/healthz")
    assert answer.status_code == 404


@pytest.mark.parametrize("prefix", ["", "/relay"])
async def test_redirects_stay_below_the_path(shared_host: httpx.AsyncClient, prefix: str) -> None:
    answer = await shared_host.get(f"{prefix}/inbox/")
    assert (answer.status_code, answer.headers["location"]) == (307, f"{PUBLIC}/inbox")


async def test_the_bare_path_leads_to_the_home_page(shared_host: httpx.AsyncClient) -> None:
    answer = await shared_host.get("/relay")
    assert (answer.status_code, answer.headers["location"]) == (307, f"{PUBLIC}/")


async def test_links_and_sign_ins_are_of_that_path_alone(gateway: Gateway, shared_host: httpx.AsyncClient) -> None:
    owner = {"Authorization": f"Bearer {gateway.key}"}
    made = (await shared_host.post("/v1/members", json={"name": "Ada", "role": "owner"}, headers=owner)).json()["data"]
    assert made["url"].startswith(f"{PUBLIC}/sign-in#")
    session = (await shared_host.post("/v1/sessions", json={"name": "main"}, headers=owner)).json()["data"]
    assert session["url"] == f"{PUBLIC}/session/{session['id']}"
    shared = (await shared_host.post(f"/v1/sessions/{session['id']}/share", json={}, headers=owner)).json()["data"]
    assert shared["url"].startswith(f"{PUBLIC}/session/{session['id']}#share=")

    page = {"Origin": "https://host.example"}
    answer = await shared_host.post("/relay/v1/sign-in", json={"code": made["url"].partition("#")[2]}, headers=page)
    [(name, cookie)] = SimpleCookie(answer.headers["set-cookie"]).items()
    assert (name, cookie["path"], cookie["secure"]) == ("__Secure-relaycast.relay", "/relay", True)
    assert (await shared_host.get("/relay/v1/whoami")).json()["data"]["name"] == "Ada"
    gone = await shared_host.post("/relay/v1/sign-out", json={}, headers=page)
    dropped = SimpleCookie(gone.headers["set-cookie"])[name]
    assert (dropped["path"], dropped["max-age"]) == ("/relay", "0")
    assert (await shared_host.get("/relay/v1/whoami")).status_code == 401


def test_brokers_of_one_host_have_cookies_of_their_own() -> None:
    urls = ("https://h.example", PUBLIC, "https://h.example/a/b", "http://h.example/a", "http://h.example:81/a")
    cookies = [Cookie.of(url) for url in urls]
    assert len({cookie.name for cookie in cookies}) == len(urls)
    assert [cookie.path for cookie in cookies] == ["/", "/relay", "/a/b", "/a", "/a"]


def test_a_public_url_is_known_without_its_last_slash() -> None:
    assert (Settings(public_url=f"{PUBLIC}/").url, Settings(public_url=f"{PUBLIC}/").path) == (PUBLIC, "/relay")
    assert Settings(public_url="https://host.example/").url == "https://host.example"
    assert (Settings().path, Settings(public_url="https://host.example").path) == ("", "")


@pytest.mark.parametrize("url", [None, "https://h.example", "http://h.example:81/", PUBLIC, "https://h.example/a/b.c/"])
def test_a_public_url_may_have_a_plain_path(url: str | None) -> None:
    require_public_url(url)


@pytest.mark.parametrize(
    "url",
    [
        "h.example/relay",
        "ftp://h.example",
        "https:///relay",
        "https://h.example/?x",
        "https://h.example/#x",
        "https://ada@h.example/",
        "https://h.example:port/",
        'https://h.example/"><script>',
        "https://h.example/a//b",
        "https://h.example/../a",
        "https://h.example/a;b",
        "https://h.example/%41",
        "https://h.example/a\n",
    ],
)
def test_what_could_not_stand_before_every_address_is_refused(url: str) -> None:
    with pytest.raises(BadRequest, match="--public-url"):
        require_public_url(url)


def test_a_path_that_is_also_an_address_of_the_brokers_own_is_refused(gateway: Gateway) -> None:
    for word in ("session", "v1", "graphql", "inbox", "assets", "mcp"):
        with pytest.raises(BadRequest, match=f"/{word} is an address"):
            build_app(Settings(public_url=f"https://h.example/{word}/x"), adapters=gateway.adapters)
    require_unlike("", Dashboard().routes())
