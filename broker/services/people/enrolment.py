"""Linking a machine by a short code, where nobody would want to copy a token."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable

from broker.domain.errors import NotAuthenticated, NotFound
from broker.domain.ids import TokenId
from broker.domain.names import printable_name
from broker.domain.people.access import Permission, Principal
from broker.domain.people.enrolment import CODE_LIFE_S, MachineCode, OpenCode, PendingMachine, make_code, read_code
from broker.domain.people.token_kinds import TokenKind
from broker.domain.plans.plans import Plan
from broker.services.people.access import new_token, token_hash
from broker.services.people.attempts import Attempts
from broker.services.permissions import requires
from broker.services.ports import MachineCodes, SignInCodes, Tokens


class Enrolment:
    """Makes codes, and exchanges each for one token that links machines and does nothing else."""

    def __init__(
        self, codes: MachineCodes, tokens: Tokens, failures: SignInCodes, *, clock: Callable[[], float] = time.time
    ) -> None:
        self._codes = codes
        self._tokens = tokens
        self._attempts = Attempts(failures)
        self._clock = clock

    @requires(Permission.ADMINISTER)
    async def invite(self, principal: Principal, *, name: str) -> MachineCode:
        """A code, good as long as who made it. Raises `BadRequest`, `Conflict`, `NotPermitted`."""
        code = make_code(secrets.choice)
        expires_at_ms = int((self._clock() + CODE_LIFE_S) * 1000)
        pending = PendingMachine(
            workspace=principal.workspace,
            id=secrets.token_hex(8),
            name=printable_name(name, "a machine's name"),
            made_by=principal.maker,
        )
        await self._codes.keep(_hash(code), pending, expires_at_ms=expires_at_ms)
        return MachineCode(id=pending.id, code=code, expires_at_ms=expires_at_ms)

    @requires(Permission.ADMINISTER)
    async def codes(self, principal: Principal) -> list[OpenCode]:
        """Those that may still be used, the oldest first. Raises `NotPermitted`."""
        return await self._codes.open(principal.workspace)

    @requires(Permission.ADMINISTER)
    async def revoke(self, principal: Principal, code: str) -> OpenCode:
        """End a code by its id. Raises `NotFound` (CODE_NOT_FOUND), `NotPermitted`."""
        ended = await self._codes.revoke(principal.workspace, code)
        if ended is None:
            raise NotFound("there is no such code: it was used, revoked, or is too old", code="CODE_NOT_FOUND")
        return ended

    async def enrol(self, code: str, *, address: str) -> str:
        """The token for a code, which is used up by it.

        Raises `BadRequest` for what is no code, `NotAuthenticated`, and `RateLimited`: after many failures even for a
        right one, as these codes are short enough for somebody to guess on.
        """
        await self._attempts.require_few(address)
        pending = await self._codes.take(_hash(code))
        if pending is None:
            await self._attempts.count_failure(address)
            raise NotAuthenticated(
                "the code was used or is too old: `relaycast machine enrol` prints a fresh one", code="ENROLMENT_FAILED"
            )
        token = new_token(TokenKind.PROXY)
        owner = Principal(
            workspace=pending.workspace,
            kind=TokenKind.PROXY,
            token_id=TokenId(secrets.token_hex(8)),
            name=pending.name,
            plan=Plan.FREE,  # the workspace's own is read with every use
            made_by=pending.made_by,
        )
        await self._tokens.add(owner, sha256=token_hash(token), expires_at_ms=None)
        return token


def _hash(code: str) -> str:
    return token_hash(read_code(code))
