"""One gateway for all tests of this folder, which run in its loop; a fresh workspace for each."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from uuid import uuid4

import httpx
import pytest
import pytest_asyncio

from broker.domain.ids import SessionId, WorkspaceId
from broker.domain.logs.rows import LineKind
from broker.services.ports import LogStore
from tests.fixtures.gateway import Gateway, gateway_for, serving
from tests.fixtures.log_rows import log_row
from tests.fixtures.log_store import open_embedded


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents and pytest_asyncio.is_async_test(item):
            item.add_marker(pytest.mark.asyncio(loop_scope="session"), append=False)


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def gateway_url(redis_url: str) -> AsyncIterator[str]:
    async with serving(redis_url) as url:
        yield url


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def client() -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(timeout=30) as made:
        yield made


@pytest_asyncio.fixture(loop_scope="session")
async def gateway(
    redis_url: str, gateway_url: str, client: httpx.AsyncClient, workspace: WorkspaceId
) -> AsyncIterator[Gateway]:
    async with gateway_for(workspace, url=gateway_url, redis_url=redis_url, client=client) as made:
        yield made


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LogStore]:
    with open_embedded(tmp_path_factory.mktemp("logs")) as opened:
        yield opened


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def logging_gateway_url(redis_url: str, store: LogStore) -> AsyncIterator[str]:
    async with serving(redis_url, logs=store) as made:
        yield made


@pytest_asyncio.fixture(loop_scope="session")
async def logged(
    redis_url: str, logging_gateway_url: str, store: LogStore, client: httpx.AsyncClient, workspace: WorkspaceId
) -> AsyncIterator[Gateway]:
    """A gateway whose session `main` has ten lines in the store."""
    async with gateway_for(workspace, url=logging_gateway_url, redis_url=redis_url, client=client) as gateway:
        session = SessionId((await gateway.ok("POST", "/v1/sessions", {"name": "main"}))["id"])
        said = [log_row(workspace, n, f"line {n}", session=session) for n in range(1, 10)]
        ran = log_row(
            workspace, 10, "npm test\nok", session=session, kind=LineKind.COMMAND, command="npm test", exit_code=0
        )
        await store.insert(workspace, [*said, ran], token=uuid4().hex, days=7)
        yield gateway
