"""What an operator looks at: which processes live, how full the stores are, and what waits."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from broker.domain.ids import WorkspaceId
from broker.domain.operations.administrators import Counts
from broker.domain.operations.status import BrokerProcess, StoreRoom, Waiting


class Processes(Protocol):
    """The broker's processes, as long as they say that they live."""

    async def beat(self, process: BrokerProcess) -> None:
        """It lives, for some seconds more."""

    async def end(self, process: BrokerProcess) -> None:
        """It ends in good order."""

    async def alive(self) -> Sequence[BrokerProcess]:
        """Those that have lately said so, oldest first."""


class Pressure(Protocol):
    """How much waits in the store, and how much room is left there."""

    async def now_ms(self) -> int:
        """The store's clock, Unix time."""

    async def format(self) -> int:
        """Which layout the data has."""

    async def require_writable(self) -> None:
        """Return when whatever is sent now can be stored. Raises `Unavailable` with the reason."""

    async def room(self) -> StoreRoom:
        """How full the store is."""

    async def measure_unshipped(self, workspace: WorkspaceId) -> Waiting:
        """Events that the log store does not have yet."""

    async def unread(self, workspace: WorkspaceId) -> Waiting:
        """Messages that no agent has in its turn yet."""

    async def agents(self, workspace: WorkspaceId) -> dict[str, int]:
        """Living agents by state."""

    async def counts(self, workspace: WorkspaceId) -> Counts:
        """How many of each it has."""
