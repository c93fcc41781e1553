from collections.abc import AsyncIterator

import pytest

from connect.sdk import AgentRelay
from tests.connect.api_double import TOKEN, ApiDouble, api_double


@pytest.fixture
async def broker() -> AsyncIterator[ApiDouble]:
    async with api_double() as double:
        yield double


@pytest.fixture
async def relay(broker: ApiDouble) -> AsyncIterator[AgentRelay]:
    async with AgentRelay(broker.url, TOKEN) as client:
        yield client
