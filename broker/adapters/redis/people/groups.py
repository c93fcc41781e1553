"""Groups of people, and to whom private sessions are open, in hashes and sets of their workspace."""

from __future__ import annotations

from collections.abc import Iterable

import orjson

from broker.adapters.redis import keys
from broker.adapters.redis.client import TextRedis
from broker.adapters.redis.scripts import Scripts
from broker.adapters.redis.standing import read_session_access
from broker.domain.ids import GroupId, MemberId, SessionId, WorkspaceId
from broker.domain.people.pages import Page, cut_page, find_by_name, page_of
from broker.domain.people.privacy import MAX_GROUPS, Group, SessionAccess


class RedisGroups:
    """Implements `GroupRecords`."""

    def __init__(self, redis: TextRedis, scripts: Scripts) -> None:
        self._redis = redis
        self._scripts = scripts

    async def some(self, workspace: WorkspaceId, groups: Iterable[GroupId]) -> dict[GroupId, Group]:
        """Those of them that are there."""
        asked = [each for each in dict.fromkeys(groups) if keys.is_id(each)]
        if not asked:
            return {}
        pipe = self._redis.pipeline(transaction=False)
        pipe.hmget(keys.key(workspace, "groups"), asked)
        for group in asked:
            pipe.scard(keys.key(workspace, "group_members", group))
        texts, *sizes = await pipe.execute()
        return {group: _group(group, text, size) for group, text, size in zip(asked, texts, sizes, strict=True) if text}

    async def find_by_name(self, workspace: WorkspaceId, name: str) -> Group | None:
        """One by name, whatever its case."""
        found = await self._redis.hget(keys.key(workspace, "group_names"), name.casefold())
        return (await self.some(workspace, [GroupId(found)])).get(GroupId(found)) if found else None

    async def search(self, workspace: WorkspaceId, text: str, *, after: str | None, limit: int) -> Page[Group]:
        """Some of those whose name has a part, by name."""
        names = await self._redis.hgetall(keys.key(workspace, "group_names"))
        found = [(name, GroupId(key)) for name, key in find_by_name(names, text)]
        listed = cut_page(found, after=after, limit=limit)
        known = await self.some(workspace, (group for _, group in listed[:limit]))
        return page_of(listed, known, limit=limit, total=len(found))

    async def people(self, workspace: WorkspaceId, group: GroupId) -> frozenset[MemberId]:
        """Who is in one."""
        return frozenset(map(MemberId, await self._redis.smembers(keys.key(workspace, "group_members", group))))

    async def add(self, workspace: WorkspaceId, group: GroupId, *, name: str) -> None:
        """Make one. Raises `Conflict`."""
        await self._save(workspace, group, name=name, is_new=True)

    async def rename(self, workspace: WorkspaceId, group: GroupId, *, name: str) -> None:
        """Give one another name. Raises `NotFound`, `Conflict`."""
        await self._save(workspace, group, name=name, is_new=False)

    async def _save(self, workspace: WorkspaceId, group: GroupId, *, name: str, is_new: bool) -> None:
        await self._scripts.run(
            "save_group",
            workspace,
            id=group,
            name=name,
            folded=name.casefold(),
            most=MAX_GROUPS,
            is_new="1" if is_new else "",
        )

    async def remove(self, workspace: WorkspaceId, group: GroupId) -> None:
        """Remove one. Raises `NotFound`."""
        await self._scripts.run_once("remove_group", workspace, id=group)

    async def change(self, workspace: WorkspaceId, group: GroupId, member: MemberId, *, joins: bool) -> None:
        """Put a member in, or take them out. Raises `NotFound`."""
        await self._scripts.run("change_group", workspace, id=group, member=member, joins="1" if joins else "")

    async def access(self, workspace: WorkspaceId, session: SessionId) -> SessionAccess | None:
        """To whom a session is open; None: to the workspace."""
        text = await self._redis.hget(keys.key(workspace, "private_sessions"), session)
        return read_session_access(text) if text else None

    async def set_access(self, workspace: WorkspaceId, session: SessionId, access: SessionAccess | None) -> None:
        """Say to whom. Raises `NotFound`."""
        text = "" if access is None else orjson.dumps(access, option=orjson.OPT_SORT_KEYS)
        await self._scripts.run("set_session_access", workspace, session=session, access=text)


def _group(group: GroupId, text: str, size: int) -> Group:
    about = orjson.loads(text)
    return Group(id=group, name=about["name"], size=size, created_at_ms=int(about["created"]))
