"""The pinned CLIs, installed on first use, and a model server for each test."""

from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from tests.agents.install import PACKAGES, cache_folder, install
from tests.agents.model_server import ModelServer


@pytest.fixture
async def model() -> AsyncIterator[ModelServer]:
    """A model server that echoes until the test gives it a script."""
    async with ModelServer() as server:
        yield server


@pytest.fixture(scope="session")
def installed() -> Callable[[str], Path]:
    """Install one CLI by its name, or find it in the cache, and return its executable."""
    packages = {package.name: package for package in PACKAGES}
    return lambda name: install(packages[name], cache_folder())
