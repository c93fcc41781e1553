"""Tokens by their hash. The secret itself is never stored.

A token's owner lies outside any workspace, as the caller is not known yet. Whether it is good is decided in its
workspace, with what it hangs on: what lies outside of it after its end says nothing.
"""

from __future__ import annotations

import time
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

import orjson
from pydantic import TypeAdapter

from broker.adapters.redis import keys
from broker.adapters.redis.client import TextRedis
from broker.adapters.redis.scripts import Scripts
from broker.adapters.redis.standing import GONE
from broker.domain.errors import NotAuthenticated
from broker.domain.ids import TokenId, WorkspaceId
from broker.domain.people.access import MAX_PERSONAL_TOKENS, MAX_TOKENS, Principal
from broker.domain.people.dependants import Dependants
from broker.domain.people.token_kinds import TokenKind
from broker.services.ports import TokenRecord

_PRINCIPAL: TypeAdapter[Principal] = TypeAdapter(Principal)
_RECORD: TypeAdapter[TokenRecord] = TypeAdapter(TokenRecord)
_OFFER_MS = 60_000
"""For the report that names an agent's token to be applied."""
_FIRST_KEY = TokenId("workspace")


class RedisTokens:
    """Implements `Tokens`."""

    def __init__(self, redis: TextRedis, scripts: Scripts) -> None:
        self._redis = redis
        self._scripts = scripts

    async def owner(self, sha256: str, *, away: bool = False) -> Principal | None:
        """The principal, or None when it is unknown or expired. Raises `NotAuthenticated`."""
        found = await self.find_stored(sha256)
        return await self.present(found, sha256=sha256, away=away) if found else None

    async def find_stored(self, sha256: str) -> Principal | None:
        """Whom a token stood for when it was made; None when it is unknown or expired."""
        text = await self._redis.get(keys.token(sha256))
        return _PRINCIPAL.validate_json(text) if text else None

    async def present(self, principal: Principal, *, sha256: str | None = None, away: bool = False) -> Principal:
        """A principal as it is now. Raises `NotAuthenticated`."""
        return await self._scripts.standing.read(principal, sha256=sha256, away=away)

    async def add(
        self,
        principal: Principal,
        *,
        sha256: str,
        expires_at_ms: int | None = None,
        listed: bool = True,
    ) -> TokenRecord:
        """Register a token for `principal`. Raises `NotAuthenticated`, `Conflict`."""
        if listed:
            expires_at_ms = await self._no_later_than_its_maker(principal, expires_at_ms)
        record = _record(principal, expires_at_ms)
        if listed:
            made_with, member = _maker(principal)
            await self._scripts.run(
                "add_token",
                principal.workspace,
                id=principal.token_id,
                row=_row(record, sha256),
                made_with=made_with,
                member=member,
                most=MAX_TOKENS,
                most_personal=MAX_PERSONAL_TOKENS,
            )
        await self._keep(principal, sha256, expires_at_ms)
        return record

    async def rotate(
        self, old: TokenRecord, principal: Principal, *, sha256: str, expires_at_ms: int | None, old_ends_at_ms: int
    ) -> TokenRecord:
        """Register a token for `principal` in the place of another. Raises `NotFound`, `Conflict`."""
        expires_at_ms = await self._no_later_than_its_maker(principal, expires_at_ms)
        record = _record(principal, expires_at_ms)
        made_with, member = _maker(principal)
        old_sha256, ends = await self._scripts.run(
            "rotate_token",
            principal.workspace,
            old=old.id,
            id=record.id,
            row=_row(record, sha256),
            until_ms=old_ends_at_ms,
            made_with=made_with,
            member=member,
            most=MAX_TOKENS,
        )
        await self._keep(principal, sha256, expires_at_ms)
        # Whether the old one is good is decided in its workspace: this only clears away what leads to it.
        await self._redis.pexpire(keys.token(old_sha256), max(1, remaining_ms(int(ends))), lt=True)
        return record

    async def _no_later_than_its_maker(self, principal: Principal, expires_at_ms: int | None) -> int | None:
        """What is made with a token that ends by itself ends with it: else nothing would lead to it any more."""
        made_with = principal.made_by and principal.made_by.token
        row = await self._redis.hget(keys.key(principal.workspace, "tokens"), made_with) if made_with else None
        ends_at_ms = _RECORD.validate_python(orjson.loads(row)["record"]).expires_at_ms if row else None
        return min((each for each in (expires_at_ms, ends_at_ms) if each is not None), default=None)

    async def offer_agent(self, principal: Principal, *, sha256: str) -> str | None:
        """Keep the token of an agent's process for a moment: it is good once a report of its machine has named it."""
        present = await self._redis.hget(keys.key(principal.workspace, "agent", principal.agent or ""), "token")
        # What says nothing of its token was spawned by an earlier version: for that any would be good at once.
        if present is not None:
            await self._redis.set(keys.token(sha256), orjson.dumps(principal.without_standing()), px=_OFFER_MS)
        return present or None

    async def adopt(self, principal: Principal, *, sha256: str) -> TokenId:
        """Make a token the workspace's own key, in the place of another."""
        row = _row(_record(principal, None), sha256)
        found, ended = await self._scripts.run_once(
            "adopt_key", principal.workspace, id=principal.token_id, row=row, hash=sha256
        )
        await self._keep(replace(principal, token_id=TokenId(found)), sha256, None)
        await self.forget(list(ended))
        return TokenId(found)

    async def own_key(self, workspace: WorkspaceId) -> TokenId | None:
        """The id of the workspace's own key; earlier versions wrote none down, it was always the same."""
        found = await self._redis.hget(keys.root(workspace), "key") or _FIRST_KEY
        row = await self._redis.hget(keys.key(workspace, "tokens"), found)
        return TokenId(found) if row else None

    async def begin_sign_in(self, principal: Principal, *, sha256: str, expires_at_ms: int) -> None:
        """Register the token of a member who signed in. Raises `NotAuthenticated`."""
        if remaining_ms(expires_at_ms) > 0 and not await self._keep_sign_in(
            principal, expires_at_ms, sha256=sha256, begins=True
        ):
            raise NotAuthenticated("the link is good no longer: ask for a fresh one", code="SIGN_IN_FAILED")
        await self._keep(principal, sha256, expires_at_ms)

    async def open_sign_in(self, principal: Principal) -> None:
        """Let what is exchanged for a sign-in hang on it here, too. Raises `NotAuthenticated`."""
        now = replace(principal, made_by=None)
        if not await self._keep_sign_in(now, principal.expires_at_ms or 0, sha256="", begins=True):
            raise NotAuthenticated(GONE["member"], code="TOKEN_REVOKED")

    async def end_sign_in(self, workspace: WorkspaceId, sign_in: TokenId) -> None:
        """End what hangs on a sign-in in one workspace, at once and everywhere."""
        await self._scripts.run("end_sign_in", workspace, id=sign_in)

    async def prolong(self, principal: Principal, *, sha256: str, expires_at_ms: int) -> None:
        """Let a sign-in live longer; nothing when it has ended."""
        owner = replace(principal.without_standing(), expires_at_ms=expires_at_ms)
        await self._redis.set(keys.token(sha256), orjson.dumps(owner), px=max(1, remaining_ms(expires_at_ms)), xx=True)
        await self._keep_sign_in(principal, expires_at_ms, sha256=sha256, begins=False)

    async def _keep_sign_in(self, principal: Principal, expires_at_ms: int, *, sha256: str, begins: bool) -> bool:
        let_in_with, let_in_by = _maker(principal)
        kept = await self._scripts.run(
            "keep_sign_in",
            principal.workspace,
            id=principal.token_id,
            member=principal.member or "",
            generation=principal.generation or 0,
            life_ms=max(1, remaining_ms(expires_at_ms)),
            begins="1" if begins else "",
            let_in_with=let_in_with,
            let_in_by=let_in_by,
            provider=principal.provider or "",
            hash=sha256,
        )
        return bool(kept)

    async def end(self, principal: Principal, *, sha256: str) -> None:
        """End a sign-in and what hangs on it, at once and everywhere."""
        await self._redis.delete(keys.token(sha256))
        await self._scripts.run("end_sign_in", principal.workspace, id=principal.token_id)

    async def tokens(self, workspace: WorkspaceId) -> list[TokenRecord]:
        """The listed tokens of a workspace, in the order in which they were made."""
        table, uses = keys.key(workspace, "tokens"), keys.key(workspace, "token_uses")
        rows = [orjson.loads(row) for row in await self._redis.hvals(table)]
        placed = [(row.get("place", 0), _RECORD.validate_python(row["record"])) for row in rows]
        records = [record for _, record in sorted(placed, key=lambda each: (each[1].created_at_ms, each[0]))]
        over = [r.id for r in records if r.expires_at_ms is not None and r.expires_at_ms <= _now_ms()]
        if over:
            await self._redis.hdel(table, *over)
            await self._redis.hdel(uses, *over)
        used = await self._redis.hgetall(uses)
        return [replace(r, last_used_at_ms=_integer(used.get(r.id))) for r in records if r.id not in over]

    async def dependants(self, workspace: WorkspaceId) -> Mapping[TokenId, Dependants]:
        """What hangs on each of them."""
        owners = await self._redis.hgetall(keys.key(workspace, "proxy_owners"))
        proxies = await self._redis.hgetall(keys.key(workspace, "proxies"))
        linked = [(TokenId(owner), proxies[machine]) for machine, owner in owners.items() if machine in proxies]
        pipe = self._redis.pipeline(transaction=False)
        for _, proxy in linked:
            pipe.scard(keys.key(workspace, "link_agents", proxy))
        agents = await pipe.execute() if linked else []
        machines = [(token, count) for (token, _), count in zip(linked, agents, strict=True)]
        return _dependants(await self.tokens(workspace), machines)

    async def revoke(self, workspace: WorkspaceId, token: TokenId, *, owns: bool) -> Dependants:
        """End a token and all that hangs on it at once, everywhere. Raises `NotFound`, `NotPermitted`."""
        hashes, machines, agents = await self._scripts.run_once(
            "revoke_token", workspace, id=token, owns="1" if owns else ""
        )
        await self.forget(list(hashes))
        return Dependants(tokens=len(hashes) - 1, machines=machines, agents=agents)

    async def forget(self, hashes: list[str]) -> None:
        """Drop tokens that have ended already; one at a time, as each has a slot of its own in a cluster."""
        for each in hashes:
            await self._redis.delete(keys.token(each))

    async def _keep(self, principal: Principal, sha256: str, expires_at_ms: int | None) -> None:
        """Where the owner of a token is found."""
        owner = replace(principal.without_standing(), expires_at_ms=expires_at_ms)
        life_ms = None if expires_at_ms is None else remaining_ms(expires_at_ms)
        if life_ms is None or life_ms > 0:
            await self._redis.set(keys.token(sha256), orjson.dumps(owner), px=life_ms)


def _integer(text: str | None) -> int | None:
    return None if text is None else int(text)


def _maker(principal: Principal) -> tuple[str, str]:
    """The token and the member that made it, as scripts take them."""
    by = principal.made_by
    return (by.token or "", by.member or "") if by else ("", "")


def _record(principal: Principal, expires_at_ms: int | None) -> TokenRecord:
    return TokenRecord(
        id=principal.token_id,
        kind=principal.kind,
        name=principal.name,
        created_at_ms=_now_ms(),
        expires_at_ms=expires_at_ms,
        session=principal.session,
        made_by=principal.made_by,
        scopes=principal.scopes,
        only=principal.only,
        service=principal.service,
        member=principal.answerable if principal.kind is TokenKind.PERSONAL else None,
    )


def _row(record: TokenRecord, sha256: str) -> bytes:
    return orjson.dumps({"record": record, "sha256": sha256})


def _dependants(records: Sequence[TokenRecord], machines: Sequence[tuple[TokenId, int]]) -> dict[TokenId, Dependants]:
    """`machines`: which token each was linked with, and how many agents it has. In one walk, however long a chain."""
    found = {record.id: Counter[str]() for record in records}
    for linked_with, agents in machines:
        if linked_with in found:
            found[linked_with].update(machines=1, agents=agents)
    makers = {record.id: record.made_by.token for record in records if record.made_by and record.made_by.token in found}
    for token in reversed(_makers_first(found, makers)):
        maker = makers.get(token)
        if maker is not None:
            found[maker].update(found[token])
            found[maker].update(tokens=1)
    return {token: Dependants(**counts) for token, counts in found.items()}


def _makers_first(tokens: Iterable[TokenId], makers: Mapping[TokenId, TokenId]) -> list[TokenId]:
    made: dict[TokenId | None, list[TokenId]] = defaultdict(list)
    for token in tokens:
        made[makers.get(token)].append(token)
    order = list(made[None])
    for token in order:  # which grows meanwhile
        order += made[token]
    return order


def remaining_ms(expires_at_ms: int) -> int:
    """How long something lives that ends at an instant of this machine's clock: Redis' own may show another time."""
    return expires_at_ms - _now_ms()


def _now_ms() -> int:
    return int(time.time() * 1000)
