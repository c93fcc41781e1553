"""The operator's commands speak to a gateway, which these tests share."""

from pathlib import Path

import pytest

from tests.fixtures.gateways import client, gateway, gateway_url, in_one_loop, logged, logging_gateway_url, store

__all__ = ["client", "gateway", "gateway_url", "logged", "logging_gateway_url", "store"]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    in_one_loop(items, Path(__file__).parent)
