import pytest

from broker.app import Adapters
from broker.domain.ids import WorkspaceId
from tests.fixtures.desk import Desk, open_desk


@pytest.fixture
async def desk(adapters: Adapters, workspace: WorkspaceId) -> Desk:
    return await open_desk(adapters, workspace)
