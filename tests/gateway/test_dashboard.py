"""The dashboard's files: who is let see them, how long they are kept, and what a page may do."""

import gzip
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
import pytest_asyncio
from starlette.applications import Starlette
from starlette.middleware import Middleware

from broker.gateway.dashboard import Dashboard
from broker.gateway.serving.sub_path import SubPath
from broker.gateway.serving.workspace_path import WorkspacePath
from tests.fixtures.gateway import Gateway

SCRIPT = b"console.log('a script of the page, long enough to be worth compressing')"


@pytest.fixture
def built(tmp_path: Path) -> Path:
    (tmp_path / "assets").mkdir()
    for name in ("index", "session", "inbox", "logs", "usage", "settings", "sign-in"):
        (tmp_path / f"{name}.html").write_text(f"<!doctype html><title>Relaycast</title>{name}")
    (tmp_path / "theme.js").write_bytes(b"1")
    (tmp_path / "assets" / "index-abc.js").write_bytes(SCRIPT)
    (tmp_path / "assets" / "index-abc.js.gz").write_bytes(gzip.compress(SCRIPT))
    (tmp_path.parent / "secret.txt").write_text("not of the page")
    return tmp_path


@pytest_asyncio.fixture(loop_scope="session")
async def page(built: Path) -> AsyncIterator[httpx.AsyncClient]:
    app = Starlette(routes=Dashboard(built).routes())
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://dashboard") as made:
        yield made


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("/", "index"),
        ("/session/abc", "session"),
        ("/session/abc/logs.html", "session"),
        ("/inbox", "inbox"),
        ("/logs?q=x", "logs"),
        ("/usage", "usage"),
        ("/settings", "settings"),
        ("/sign-in", "sign-in"),
    ],
)
async def test_every_address_of_the_page_gets_its_page(page: httpx.AsyncClient, path: str, name: str) -> None:
    answer = await page.get(path)
    assert (answer.status_code, answer.headers["cache-control"]) == (200, "no-cache")
    assert answer.text.endswith(f"</title>{name}")


async def test_a_page_runs_nothing_but_its_own_files_and_is_framed_by_nobody(page: httpx.AsyncClient) -> None:
    headers = (await page.get("/")).headers
    policy = headers["content-security-policy"].split("; ")
    assert {"default-src 'none'", "script-src 'self'", "style-src 'self'", "frame-ancestors 'none'"} <= set(policy)
    assert "unsafe" not in headers["content-security-policy"]
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "same-origin"


async def test_assets_are_kept_for_good_and_sent_compressed_to_who_takes_that(page: httpx.AsyncClient) -> None:
    small = await page.get("/assets/index-abc.js", headers={"Accept-Encoding": "gzip, br"})
    assert "immutable" in small.headers["cache-control"]
    assert small.headers["content-encoding"] == "gzip"
    assert small.headers["content-type"].startswith("text/javascript")
    assert small.content == SCRIPT
    whole = await page.get("/assets/index-abc.js", headers={"Accept-Encoding": "gzip;q=0"})
    assert "content-encoding" not in whole.headers
    assert whole.content == SCRIPT


async def test_a_browser_that_has_the_page_is_told_so(page: httpx.AsyncClient) -> None:
    first = await page.get("/theme.js")
    again = await page.get("/theme.js", headers={"If-None-Match": first.headers["etag"]})
    assert again.status_code == 304


@pytest.mark.parametrize(
    "path", ["/assets/gone-1.js", "/assets/..%2f..%2fsecret.txt", "/assets/%2e%2e", "/secret.txt", "/logs.html"]
)
async def test_what_is_not_of_the_page_is_not_found(page: httpx.AsyncClient, path: str) -> None:
    assert (await page.get(path)).status_code == 404


async def test_a_page_that_was_not_built_says_how_to_build_it(tmp_path: Path) -> None:
    app = Starlette(routes=Dashboard(tmp_path / "nowhere").routes())
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://dashboard") as client:
        answer = await client.get("/session/abc")
    assert answer.status_code == 503
    assert "pip install -e ." in answer.text


async def test_below_a_path_of_the_host_a_page_names_itself_and_its_files_there(built: Path) -> None:
    page = '<meta name="relaycast-base" content="/" /><link href="/icon.svg"><script src="/assets/a-1.js"></script>'
    (built / "session.html").write_text(page)
    (built / "session.html.gz").write_bytes(gzip.compress(page.encode()))
    for path, base in (("", "/"), ("/relay", "/relay/")):
        app = Starlette(routes=Dashboard(built, path=path).routes())
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://dashboard") as client:
            answer = await client.get("/session/abc")
            again = await client.get("/session/abc", headers={"If-None-Match": answer.headers["etag"]})
        assert answer.text == page.replace('="/', f'="{base}')
        assert again.status_code == 304


@pytest.mark.parametrize("path", ["", "/relay"])
async def test_in_a_workspace_a_page_names_itself_there_and_its_files_where_they_are(built: Path, path: str) -> None:
    page = '<meta name="relaycast-base" content="/" /><link href="/icon.svg">'
    (built / "session.html").write_text(page)
    app = Starlette(
        routes=Dashboard(built, path=path).routes(),
        middleware=[Middleware(SubPath, path=path), Middleware(WorkspacePath)],
    )
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://dashboard") as client:
        for workspace in ("acme", "other"):
            answer = await client.get(f"{path}/w/{workspace}/session/abc")
            shown = f'content="{path}/w/{workspace}/"', f'href="{path}/icon.svg"'
            assert all(each in answer.text for each in shown), answer.text
        for unfit in ('"><script>', "a%22b", "%3Cb%3E", ""):
            assert (await client.get(f"{path}/w/{unfit}/session/abc")).status_code == 404


async def test_the_api_stands_before_the_page(gateway: Gateway) -> None:
    assert (await gateway.call("GET", "/v1/nothing")).json()["error"]["code"] == "PATH_NOT_FOUND"
    assert (await gateway.client.get(f"{gateway.url}/inbox")).headers["content-type"].startswith("text/html")


async def test_a_person_at_an_address_that_is_not_there_gets_a_page_and_a_program_gets_json(gateway: Gateway) -> None:
    async def ask(path: str, accept: str, **more: str) -> httpx.Response:
        return await gateway.client.get(f"{gateway.url}{path}", headers={"Accept": accept, **more})

    browser = "text/html,application/xhtml+xml,*/*;q=0.8"
    page = await ask("/no/such/page", browser)
    assert (page.status_code, page.headers["content-type"]) == (404, "text/html; charset=utf-8")
    assert page.text == (await ask("/", browser)).text
    assert page.headers["cache-control"] == "no-store"
    assert "content-security-policy" in page.headers
    for path, accept in (("/no/such/page", "application/json"), ("/no/such/page", "*/*"), ("/v1/nothing", browser)):
        answer = await ask(path, accept)
        assert (answer.status_code, answer.json()["error"]["code"]) == (404, "PATH_NOT_FOUND")
