"""Keeps the machine's own agents, settings and tokens out of these tests; a double of the HTTP API for the SDK's."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator

import pytest

from connect.sdk import AgentRelay
from tests.connect.api_double import TOKEN, ApiDouble, api_double


@pytest.fixture(autouse=True)
def bare_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("RELAYCAST_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("PATH", "/usr/bin:/bin")


@pytest.fixture
async def broker() -> AsyncIterator[ApiDouble]:
    async with api_double() as double:
        yield double


@pytest.fixture
async def relay(broker: ApiDouble) -> AsyncIterator[AgentRelay]:
    async with AgentRelay(broker.url, TOKEN) as client:
        yield client
