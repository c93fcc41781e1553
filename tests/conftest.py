"""What suites share: one store for the whole run, and adapters on it."""

import os
from collections.abc import AsyncIterator
from pathlib import Path
from uuid import uuid4

import pytest
import pytest_asyncio
from hypothesis import HealthCheck, settings

from broker.adapters.embedded import embedded_redis
from broker.app import Adapters, build_adapters
from broker.domain.ids import WorkspaceId

pytest_plugins = ["tests.order", "tests.stuck", "tests.fixtures.clocked_store"]

# No test fails for being slow: machines are shared, and what is fast is shown by the benchmark.
settings.register_profile("patient", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("patient")


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def redis_url(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[str]:
    """REDIS_TEST_URL, or a server of our own; every test works in a workspace of its own."""
    given = os.environ.get("REDIS_TEST_URL")
    if given:
        yield given
        return
    async with embedded_redis(Path(tmp_path_factory.mktemp("redis"))) as url:
        yield url


@pytest.fixture
async def adapters(redis_url: str) -> AsyncIterator[Adapters]:
    made = build_adapters(redis_url)
    yield made
    await made.redis.aclose()


@pytest.fixture
def workspace() -> WorkspaceId:
    return WorkspaceId(f"test-{uuid4().hex}")
