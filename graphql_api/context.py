"""What an operation carries: who asks, the services, and the loaders that live as long as it does."""

from __future__ import annotations

from dataclasses import dataclass

import strawberry

from broker.domain.access import Principal
from broker.services.access import Access
from broker.services.approvals import ApprovalDesk
from broker.services.hub import Hub
from broker.services.log_reader import LogReader
from broker.services.log_search import LogSearch
from broker.services.ports import Bus
from broker.services.router import Router
from broker.services.sessions import Sessions
from broker.services.spawner import Spawner
from broker.services.usage import UsageMeter


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiServices:
    """The services behind the schema, shared by all operations of a process; `broker/app.py` fills it."""

    access: Access
    sessions: Sessions
    log_reader: LogReader
    log_search: LogSearch
    router: Router
    spawner: Spawner
    desk: ApprovalDesk
    meter: UsageMeter
    hub: Hub
    bus: Bus
    public_url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """Of one operation."""

    principal: Principal
    services: ApiServices


Info = strawberry.Info[Context, None]
