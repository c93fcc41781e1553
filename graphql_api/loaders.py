"""What an operation asks for many times over, asked for once.

Loaders remember what they loaded: they live as long as one operation, or one event of a subscription, and no longer.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta

from strawberry.dataloader import DataLoader

from broker.domain.agents.agents import Agent
from broker.domain.agents.sessions import Session
from broker.domain.agents.stops import Stop, stop_over
from broker.domain.errors import NotFound, RelayError
from broker.domain.ids import SessionId, TokenId
from broker.domain.people.access import Principal
from broker.domain.people.dependants import Dependants
from broker.domain.plans.usage import Usage, UsageBy
from broker.services.agents.sessions import Sessions
from broker.services.agents.stops import Stops
from broker.services.people.access import Access, TokenAbout
from broker.services.plans.usage import MAX_DAYS, UsageMeter


class Loaders:
    """Of one caller and one operation."""

    def __init__(
        self, principal: Principal, sessions: Sessions, meter: UsageMeter, *, access: Access, stops: Stops
    ) -> None:
        self._principal = principal
        self._sessions = sessions
        self._meter = meter
        self._access = access
        self._stops = stops
        self.session: DataLoader[SessionId, Session] = DataLoader(self._load_sessions, max_batch_size=100)
        """Raises `NotFound`."""
        self.agents: DataLoader[SessionId, list[Agent]] = DataLoader(self._load_agents, max_batch_size=100)
        """Of a session, in spawn order."""
        self.usage: DataLoader[SessionId, list[Usage]] = DataLoader(self._load_usage)
        """Of a session by agent, as long as counters are kept."""
        self.usage_by: DataLoader[tuple[date, date, UsageBy], list[Usage]] = DataLoader(self._load_usage_by)
        """Of the workspace, from one day to another. Raises `BadRequest`, `Unavailable`."""
        self.token: DataLoader[TokenId, TokenAbout] = DataLoader(self._load_tokens)
        """Who made a token, and what would end with it."""
        self.stop_over: DataLoader[SessionId, Stop | None] = DataLoader(self._load_stops)
        """What is over all of a session."""

    async def _load_sessions(self, keys: list[SessionId]) -> Sequence[Session | NotFound]:
        found = await self._sessions.all_by_id(self._principal, keys)
        return [found.get(key) or NotFound("the session is gone", code="SESSION_NOT_FOUND") for key in keys]

    async def _load_agents(self, keys: list[SessionId]) -> Sequence[list[Agent]]:
        found = await self._sessions.agents_of(self._principal, keys)
        return [found.get(key, []) for key in keys]

    async def _load_stops(self, keys: list[SessionId]) -> Sequence[Stop | None]:
        standing = await self._stops.standing(self._principal)
        return [stop_over(standing, session=key) for key in keys]

    async def _load_usage(self, keys: list[SessionId]) -> Sequence[list[Usage]]:
        today = datetime.now(UTC).date()
        since = today - timedelta(days=MAX_DAYS - 1)
        lines = await self._meter.usage_in(self._principal, keys, since=since, until=today)
        return [[line for line in lines if line.session == key] for key in keys]

    async def _load_usage_by(self, keys: list[tuple[date, date, UsageBy]]) -> Sequence[list[Usage] | RelayError]:
        """What is asked of the same days is asked at once; one span that is refused refuses no other."""
        ways: dict[tuple[date, date], list[UsageBy]] = {}
        for since, until, by in keys:
            ways.setdefault((since, until), []).append(by)
        told = dict(zip(ways, await asyncio.gather(*(self._usage_of(*span, ways[span]) for span in ways)), strict=True))
        return [_way_of(told[since, until], by) for since, until, by in keys]

    async def _usage_of(
        self, since: date, until: date, ways: Sequence[UsageBy]
    ) -> Mapping[UsageBy, list[Usage]] | RelayError:
        try:
            return await self._meter.usage_by(self._principal, ways, since=since, until=until)
        except RelayError as refused:
            return refused

    async def _load_tokens(self, keys: list[TokenId]) -> Sequence[TokenAbout]:
        found = await self._access.about_tokens(self._principal)
        gone = TokenAbout(made_by=None, ends=Dependants())
        return [found.get(key, gone) for key in keys]


def _way_of(told: Mapping[UsageBy, list[Usage]] | RelayError, by: UsageBy) -> list[Usage] | RelayError:
    return told if isinstance(told, RelayError) else told[by]
