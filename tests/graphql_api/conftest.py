"""The tests of the API share a gateway, too."""

from pathlib import Path

import pytest

from tests.fixtures.gateway import Gateway
from tests.fixtures.gateways import client, gateway, gateway_url, in_one_loop
from tests.fixtures.graphql import GraphQL

__all__ = ["client", "gateway", "gateway_url"]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    in_one_loop(items, Path(__file__).parent)


@pytest.fixture
def graphql(gateway: Gateway) -> GraphQL:
    return GraphQL(gateway)
