"""Reading a workspace's audit trail: by page, newest first, and as a chain that can be verified elsewhere."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from broker.domain.audit.chain import Entry, Head
from broker.domain.audit.records import AuditFilter, AuditRecord, read_record
from broker.domain.ids import MemberId
from broker.domain.people.access import Permission, Principal
from broker.domain.plans.plans import Feature, PlanTable
from broker.services.permissions import requires
from broker.services.ports import AuditRecords, MemberRecords, ServiceAccounts, Tokens

MAX_PAGE = 100
MAX_CHAIN = 500
_LOOKED_AT = 500
_MOST_LOOKED_AT = 5000
"""Records that one page looks at; where few are wanted, the next page goes on behind them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditPage:
    """Some records, the newest first."""

    records: Sequence[AuditRecord]
    next: int | None
    """Ahead of which number the next page begins; None at the end."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditChain:
    """Some records as they are kept, the oldest first, and how far the trail goes."""

    head: Head
    entries: Sequence[Entry]
    keys: Sequence[str] = ()
    """The public keys of this broker's checkpoints, base64; none where it signs none."""


class AuditTrail:
    """What owners and admins see, where the plan has it. Records are kept whatever the plan."""

    def __init__(
        self,
        records: AuditRecords,
        members: MemberRecords,
        *,
        tokens: Tokens,
        accounts: ServiceAccounts,
        plans: PlanTable,
        keys: Sequence[str] = (),
    ) -> None:
        """`keys`: the public keys of what signs checkpoints."""
        self._plans = plans
        self._keys = tuple(keys)
        self._records = records
        self._members = members
        self._tokens = tokens
        self._accounts = accounts

    @requires(Permission.ADMINISTER)
    async def page(
        self, principal: Principal, wanted: AuditFilter, *, before: int | None = None, limit: int = MAX_PAGE
    ) -> AuditPage:
        """Those that are wanted, ahead of a number; a short page may have a next one.

        Raises `NotPermitted`, `PlanLimitReached`.
        """
        self._plans.require_feature(principal.plan, Feature.AUDIT)
        found: list[AuditRecord] = []
        for _ in range(_MOST_LOOKED_AT // _LOOKED_AT):
            entries = await self._records.before(principal.workspace, before, limit=_LOOKED_AT)
            for record in map(read_record, entries):
                if wanted.since_ms is not None and record.at_ms < wanted.since_ms:
                    return AuditPage(records=found, next=None)
                before = record.number
                if wanted.admits(record):
                    found.append(record)
                if len(found) == limit:
                    return AuditPage(records=found, next=before)
            if len(entries) < _LOOKED_AT:
                return AuditPage(records=found, next=None)
        return AuditPage(records=found, next=before)

    @requires(Permission.ADMINISTER)
    async def chain(self, principal: Principal, *, after: int = 0, limit: int = MAX_CHAIN) -> AuditChain:
        """Records behind a number, as they are kept, and the head. Raises `NotPermitted`, `PlanLimitReached`."""
        self._plans.require_feature(principal.plan, Feature.AUDIT)
        head = await self._records.head(principal.workspace)
        entries = await self._records.after(principal.workspace, after, limit=limit)
        return AuditChain(head=head, entries=entries, keys=self._keys)

    @requires(Permission.ADMINISTER)
    async def names(self, principal: Principal, records: Iterable[AuditRecord]) -> Mapping[str, str]:
        """What the ids of people in records are called, and of service accounts and tokens that are there.

        Raises `NotPermitted`.
        """
        callers = {MemberId(each.by.member) for each in records if each.by.member}
        people = (await self._members.some(principal.workspace, callers)).values()
        tokens = await self._tokens.tokens(principal.workspace)
        accounts = await self._accounts.accounts(principal.workspace)
        return {
            **{each.id: each.name for each in tokens},
            **{each.id: each.name for each in accounts},
            **{each.id: each.name for each in people},
        }
