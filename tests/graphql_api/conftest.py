"""One gateway for all tests of this folder, which run in its loop; a fresh workspace for each."""

from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
import pytest_asyncio

from broker.domain.ids import WorkspaceId
from tests.fixtures.gateway import Gateway, gateway_for, serving
from tests.fixtures.graphql import GraphQL


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents and pytest_asyncio.is_async_test(item):
            item.add_marker(pytest.mark.asyncio(loop_scope="session"), append=False)


@pytest_asyncio.fixture(scope="package", loop_scope="session")
async def gateway_url(redis_url: str) -> AsyncIterator[str]:
    async with serving(redis_url) as url:
        yield url


@pytest_asyncio.fixture(scope="package", loop_scope="session")
async def client() -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(timeout=30) as made:
        yield made


@pytest_asyncio.fixture(loop_scope="session")
async def gateway(
    redis_url: str, gateway_url: str, client: httpx.AsyncClient, workspace: WorkspaceId
) -> AsyncIterator[Gateway]:
    async with gateway_for(workspace, url=gateway_url, redis_url=redis_url, client=client) as made:
        yield made


@pytest.fixture
def graphql(gateway: Gateway) -> GraphQL:
    return GraphQL(gateway)
