"""The services that the gateway's endpoints use; `app.py` builds it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from broker.domain.ids import LinkId, WorkspaceId
from broker.services.access import Access
from broker.services.activity import Activity
from broker.services.allowance import Allowance
from broker.services.approvals import ApprovalDesk
from broker.services.feeds import Feeds
from broker.services.file_history import FileHistory
from broker.services.hub import Hub
from broker.services.linking import Linking
from broker.services.log_health import LogHealth
from broker.services.log_reader import LogReader
from broker.services.log_search import LogSearch
from broker.services.members import Members
from broker.services.ports import Bus
from broker.services.redaction import Redaction
from broker.services.requests import Requests
from broker.services.retention import LogRetention
from broker.services.router import Router
from broker.services.sessions import Sessions
from broker.services.short_lived_tokens import ShortLivedTokens
from broker.services.sign_in import SignIn
from broker.services.spawner import Spawner
from broker.services.status import StatusReport
from broker.services.stops import Stops
from broker.services.transfer import Transfer
from broker.services.usage import UsageMeter


@dataclass(frozen=True, slots=True, kw_only=True)
class Services:
    """One of each, shared by all connections of a process."""

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
    linking: Linking
    redaction: Redaction
    meter: UsageMeter
    retention: LogRetention
    transfer: Transfer
    members: Members
    sign_in: SignIn
    short_lived: ShortLivedTokens
    status: StatusReport
    log_health: LogHealth
    hub: Hub
    feeds: Feeds
    activity: Activity
    bus: Bus
    link_channel: Callable[[WorkspaceId, LinkId], str]
    public_url: str
