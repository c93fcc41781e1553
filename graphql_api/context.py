"""What an operation carries: who asks, the services, and the loaders that live as long as it does."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import strawberry

from broker.domain.access import Principal
from broker.services.access import Access
from broker.services.activity import Activity
from broker.services.allowance import Allowance
from broker.services.approvals import ApprovalDesk
from broker.services.feeds import Feeds
from broker.services.file_history import FileHistory
from broker.services.log_reader import LogReader
from broker.services.log_search import LogSearch
from broker.services.members import Members
from broker.services.requests import Requests
from broker.services.retention import LogRetention
from broker.services.router import Router
from broker.services.sessions import Sessions
from broker.services.sign_in import SignIn
from broker.services.spawner import Spawner
from broker.services.stops import Stops
from broker.services.usage import UsageMeter
from graphql_api.loaders import Loaders


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiServices:
    """The services behind the schema, shared by all operations of a process; `broker/app.py` fills it."""

    access: Access
    allowance: Allowance
    sessions: Sessions
    log_reader: LogReader
    log_search: LogSearch
    file_history: FileHistory
    requests: Requests
    router: Router
    spawner: Spawner
    desk: ApprovalDesk
    stops: Stops
    meter: UsageMeter
    members: Members
    sign_in: SignIn
    retention: LogRetention
    feeds: Feeds
    activity: Activity
    public_url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """Of one operation, or of one event of a subscription: the loaders remember what they loaded."""

    principal: Principal
    services: ApiServices
    loaders: Loaders

    @classmethod
    def of(cls, principal: Principal, services: ApiServices) -> Self:
        """A fresh one."""
        loaders = Loaders(principal, services.sessions, services.meter, access=services.access, stops=services.stops)
        return cls(principal=principal, services=services, loaders=loaders)


Info = strawberry.Info[Context, None]
