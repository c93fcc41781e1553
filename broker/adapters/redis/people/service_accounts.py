"""Service accounts in a hash of their workspace; their tokens are among the others."""

from __future__ import annotations

import orjson
from pydantic import TypeAdapter

from broker.adapters.redis import keys
from broker.adapters.redis.client import TextRedis
from broker.adapters.redis.people.tokens import RedisTokens
from broker.adapters.redis.scripts import Scripts
from broker.domain.ids import ServiceAccountId, WorkspaceId
from broker.domain.people.access import MAX_SERVICE_ACCOUNTS
from broker.domain.people.dependants import Dependants
from broker.services.ports import ServiceAccount

_ACCOUNT: TypeAdapter[ServiceAccount] = TypeAdapter(ServiceAccount)


class RedisServiceAccounts:
    """Implements `ServiceAccounts`."""

    def __init__(self, redis: TextRedis, scripts: Scripts, tokens: RedisTokens) -> None:
        self._redis = redis
        self._scripts = scripts
        self._tokens = tokens

    async def accounts(self, workspace: WorkspaceId) -> list[ServiceAccount]:
        """All of them, by name."""
        texts = await self._redis.hvals(keys.key(workspace, "service_accounts"))
        found = [_ACCOUNT.validate_python(orjson.loads(text)["account"]) for text in texts]
        return sorted(found, key=lambda each: each.name.casefold())

    async def add(self, workspace: WorkspaceId, account: ServiceAccount) -> None:
        """Make one. Raises `Conflict`, `NotAuthenticated`."""
        by, folded = account.made_by, account.name.casefold()
        await self._scripts.run(
            "add_service_account",
            workspace,
            id=account.id,
            name=account.name,
            folded=folded,
            row=orjson.dumps({"account": account, "folded": folded}),
            made_with=(by and by.token) or "",
            member=(by and by.member) or "",
            most=MAX_SERVICE_ACCOUNTS,
        )

    async def remove(self, workspace: WorkspaceId, account: ServiceAccountId) -> Dependants:
        """End one with its tokens and what hangs on those. Raises `NotFound`."""
        hashes, machines, agents = await self._scripts.run_once("remove_service_account", workspace, id=account)
        await self._tokens.forget(list(hashes))
        return Dependants(tokens=len(hashes), machines=machines, agents=agents)
