"""A workspace's identity provider, and which of its people are whom there."""

from __future__ import annotations

import orjson
from pydantic import TypeAdapter

from broker.adapters.redis import keys
from broker.adapters.redis.client import TextRedis
from broker.adapters.redis.scripts import Scripts
from broker.domain.ids import MemberId, WorkspaceId
from broker.domain.people.members import MAX_MEMBERS
from broker.domain.people.single_sign_on import Identity, IdentityProvider, in_words
from broker.domain.plans.plans import Plan
from broker.services.ports import ProviderFailure

_PROVIDER: TypeAdapter[IdentityProvider] = TypeAdapter(IdentityProvider)
_FAILURE: TypeAdapter[ProviderFailure] = TypeAdapter(ProviderFailure)
_FAILURE_KEPT_MS = 7 * 24 * 3600 * 1000


class RedisIdentities:
    """Implements `IdentityRecords`."""

    def __init__(self, redis: TextRedis, scripts: Scripts) -> None:
        self._redis = redis
        self._scripts = scripts

    async def provider(self, workspace: WorkspaceId) -> IdentityProvider | None:
        """The workspace's own; None without one."""
        text = await self._redis.get(keys.key(workspace, "single_sign_on"))
        return _PROVIDER.validate_json(text) if text else None

    async def put(self, workspace: WorkspaceId, provider: IdentityProvider) -> None:
        """Set it. Sign-ins of one with another id have ended."""
        row = {"id": provider.id, "terms": provider.terms, "said": in_words(provider.terms)}
        await self._scripts.run_once(
            "set_provider",
            workspace,
            provider=provider.id,
            row=orjson.dumps(row),
            required="1" if provider.terms.required else "",
        )

    async def remove(self, workspace: WorkspaceId) -> bool:
        """Remove it, and end the sign-ins through it; whether there was one."""
        return bool(await self._scripts.run_once("remove_provider", workspace))

    async def let_in(
        self,
        workspace: WorkspaceId,
        provider: IdentityProvider,
        identity: Identity,
        *,
        member: MemberId,
        name: str,
        plan: Plan,
    ) -> MemberId:
        """Which member an identity is: the one it was before, else `member`, who is new here and gets that name.

        Raises `NotAuthenticated` (SUSPENDED, SIGN_IN_FAILED), `NotPermitted` (NO_MEMBERSHIP), `Conflict` (NAME_TAKEN,
        TOO_MANY_MEMBERS), `PlanLimitReached`.
        """
        found = await self._scripts.run(
            "let_in_identity",
            workspace,
            provider=provider.id,
            identity=identity.key,
            member=member,
            name=name,
            folded=name.casefold(),
            role=provider.terms.joins_as or "",
            most=MAX_MEMBERS,
            plan=plan,
            in_plan=self._scripts.plans.limits(plan).members,
        )
        return MemberId(found)

    async def link(
        self,
        workspace: WorkspaceId,
        provider: IdentityProvider,
        identity: Identity,
        *,
        member: MemberId,
        generation: int,
    ) -> None:
        """Let a member who is signed in be an identity, too; `generation`: of their sign-ins.

        Raises `NotAuthenticated` (SUSPENDED, SIGN_IN_FAILED), `Conflict` (NOT_YOURS, ANOTHER_IDENTITY).
        """
        await self._scripts.run(
            "link_identity",
            workspace,
            provider=provider.id,
            identity=identity.key,
            member=member,
            generation=generation,
        )

    async def note_failure(self, workspace: WorkspaceId, failure: ProviderFailure) -> None:
        """Keep it for a week, in the place of the one before."""
        await self._redis.set(keys.key(workspace, "provider_failure"), orjson.dumps(failure), px=_FAILURE_KEPT_MS)

    async def last_failure(self, workspace: WorkspaceId) -> ProviderFailure | None:
        """The latest; None when there was none lately."""
        text = await self._redis.get(keys.key(workspace, "provider_failure"))
        return _FAILURE.validate_json(text) if text else None
