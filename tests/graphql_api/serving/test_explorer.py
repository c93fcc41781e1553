"""The page for developers: only where it is wanted, and with nothing from anywhere else."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from broker.app import build_app
from broker.domain.errors import NotConfigured
from broker.settings import GraphQLSettings, Settings
from tests.fixtures.gateway import Gateway, serving

BROWSER = {"Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"}


@pytest.fixture
def packages(tmp_path: Path) -> Path:
    """What npm would have installed."""
    for path in (
        "react/umd/react.production.min.js",
        "react-dom/umd/react-dom.production.min.js",
        "graphiql/graphiql.min.js",
        "graphiql/graphiql.min.css",
    ):
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(f"/* {path} */")
    return tmp_path


@pytest_asyncio.fixture(loop_scope="session")
async def url(redis_url: str, packages: Path) -> AsyncIterator[str]:
    async with serving(redis_url, graphql=GraphQLSettings(graphiql=packages)) as made:
        yield made


async def test_a_browser_is_shown_the_page_and_programs_are_not(gateway: Gateway, url: str) -> None:
    page = await gateway.client.get(f"{url}/graphql", headers=BROWSER)
    assert (page.status_code, page.headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert "GraphiQL" in page.text
    for headers, query in (({}, ""), ({"Accept": "*/*"}, ""), (BROWSER, "?query={viewer{name}}")):
        assert (await gateway.client.get(f"{url}/graphql{query}", headers=headers)).status_code == 401


async def test_the_page_loads_nothing_from_anywhere_else(gateway: Gateway, url: str) -> None:
    page = await gateway.client.get(f"{url}/graphql", headers=BROWSER)
    policy = page.headers["content-security-policy"]
    assert policy.startswith("default-src 'none'; script-src 'self';")
    assert "://" not in page.text + policy
    named = [part.partition('"')[0] for part in page.text.split('="/graphql/graphiql/')[1:]]
    assert len(named) == 6
    for name in named:
        answer = await gateway.client.get(f"{url}/graphql/graphiql/{name}")
        assert answer.status_code == 200
        assert answer.headers["content-type"].startswith("text/css" if name.endswith("css") else "text/javascript")
    for name in ("page.html", "package.json", "..%2Fview.py", "none.js"):
        assert (await gateway.client.get(f"{url}/graphql/graphiql/{name}")).status_code == 404


async def test_a_broker_shows_no_page_unless_told_to(gateway: Gateway) -> None:
    assert (await gateway.client.get(f"{gateway.url}/graphql", headers=BROWSER)).status_code == 401
    assert "javascript" not in (await gateway.client.get(f"{gateway.url}/graphql/graphiql/page.js")).text[:100]


async def test_a_page_that_is_not_installed_is_told_at_the_start(gateway: Gateway, tmp_path: Path) -> None:
    with pytest.raises(NotConfigured, match="make graphiql"):
        build_app(Settings(graphql=GraphQLSettings(graphiql=tmp_path)), adapters=gateway.adapters)
