"""The pinned CLIs, installed on first use, and a model server for each test."""

from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from tests.agents.install import PACKAGES, cache_folder, install
from tests.agents.model_server import ModelServer
from tests.agents.relay_tools import RelayTools
from tests.agents.stage import Stage


@pytest.fixture
async def model() -> AsyncIterator[ModelServer]:
    """A model server that echoes until the test gives it a script."""
    async with ModelServer() as server:
        yield server


@pytest.fixture
async def relay() -> AsyncIterator[RelayTools]:
    """The relay's tools without a broker behind them."""
    async with RelayTools() as server:
        yield server


@pytest.fixture(scope="session")
def installed() -> Callable[[str], Path]:
    """Install one CLI by its name, or find it in the cache, and return its executable."""
    packages = {package.name: package for package in PACKAGES}
    return lambda name: install(packages[name], cache_folder())


@pytest.fixture
async def stage(model: ModelServer, installed: Callable[[str], Path], tmp_path: Path) -> AsyncIterator[Stage]:
    """Room for a broker and machines; nothing that was started there outlives the test."""
    async with Stage(tmp_path, model_url=model.url, installed=installed) as stage:
        yield stage
