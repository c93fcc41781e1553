"""Bringing a data folder and a store together: whose key the folder's becomes, and whom it must not throw out."""

from __future__ import annotations

from broker.domain.errors import NotAuthenticated
from broker.domain.ids import WorkspaceId
from broker.domain.operations.administrators import Administrator
from broker.domain.operations.installation import AnothersStore, Belonging, Installation, belonging
from broker.domain.people.access import Principal
from broker.domain.people.token_kinds import TokenKind
from broker.domain.plans.plans import Plan
from broker.services.people.access import Access, token_hash
from broker.services.ports import AdministratorRecords, InstallationRecords, Tokens


class Installations:
    """What `up` does with the key of its data folder."""

    def __init__(
        self,
        records: InstallationRecords,
        tokens: Tokens,
        access: Access,
        *,
        administrators: AdministratorRecords,
    ) -> None:
        self._records = records
        self._administrators = administrators
        self._tokens = tokens
        self._access = access

    async def settle(
        self, mine: Installation, key: str, *, workspace: WorkspaceId, plan: Plan, owned: bool, join: bool
    ) -> Installation:
        """Make the folder's key good, and end no other folder's by that; the store's installation, to be remembered.

        `mine.id` is the folder's own id, or a fresh one; `owned` when the store lies in the folder. Raises
        `AnothersStore` when the store is another's and the folder is not to `join` it, and `NotAuthenticated`
        (KEY_REVOKED) for a key that people have ended.
        """
        store = await self._records.current()
        known = await self._find_known(key, workspace)
        place = belonging(
            key_is_known=known is not None,
            has_key=await self._has_key(workspace),
            folder_id=mine.id,
            store=store,
        )
        if place is Belonging.ANOTHER and owned:
            place = Belonging.ITS_OWN
        if place is Belonging.ANOTHER and not join:
            raise AnothersStore(mine.folder, store)
        claimed = await self._records.claim(mine)
        if place is Belonging.ITS_OWN and store is None and claimed.id != mine.id:
            return await self.settle(mine, key, workspace=workspace, plan=plan, owned=owned, join=join)
        await self._make_good(place, key, workspace, known=known, plan=plan, host=mine.host)
        return claimed

    async def adopt_administrator(self, key: str, mine: Installation) -> None:
        """Make a data folder's key of the installation good, after `settle` has let the folder have the store."""
        # A folder that has joined a store has its id: what tells two of them apart is where they lie.
        administrator = Administrator(id=f"{mine.host} {mine.folder}", name=f"up on {mine.host}")
        await self._administrators.put_in_place(administrator, sha256=token_hash(key))

    async def _make_good(
        self, place: Belonging, key: str, workspace: WorkspaceId, *, known: Principal | None, plan: Plan, host: str
    ) -> None:
        if place is Belonging.ANOTHER:
            await self._access.add_key(key, workspace=workspace, name=f"up on {host}")
        elif known is None or known.token_id == await self._tokens.own_key(workspace):
            await self._access.adopt_workspace(key, workspace=workspace, name="local", plan=plan)

    async def _find_known(self, key: str, workspace: WorkspaceId) -> Principal | None:
        try:
            found = await self._tokens.owner(token_hash(key))
        except NotAuthenticated:  # it was revoked
            return None
        return found if found and found.kind is TokenKind.WORKSPACE and found.workspace == workspace else None

    async def _has_key(self, workspace: WorkspaceId) -> bool:
        return any(each.kind is TokenKind.WORKSPACE for each in await self._tokens.tokens(workspace))
