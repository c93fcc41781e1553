"""Who is behind an open connection: looked at again at a word, whatever state the connection is in."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator

from broker.domain.errors import NotAuthenticated, RelayError
from broker.domain.people.access import Credential
from broker.services.people.access import Access
from graphql_api.serving.standing import Loss, Standing
from tests.fixtures.gateway import Gateway


class Connection:
    """What a standing tells the connection that has it."""

    def __init__(self) -> None:
        self.kept = asyncio.Queue[None]()
        self.losses = asyncio.Queue[Loss]()
        self.problem: Exception | None = None

    async def keep(self) -> None:
        if self.problem:
            raise self.problem
        self.kept.put_nowait(None)

    def lose(self, loss: Loss, _reason: str) -> None:
        self.losses.put_nowait(loss)


@contextlib.asynccontextmanager
async def standing(gateway: Gateway, token: str, connection: Connection) -> AsyncIterator[Standing]:
    """Watched."""
    access = Access(
        gateway.adapters.tokens, gateway.adapters.registry, gateway.adapters.members, gateway.adapters.workspaces
    )
    made = Standing(access, kept=connection.keep, lost=connection.lose)
    await made.begin(Credential(token=token))
    watching = asyncio.create_task(made.watch())
    try:
        yield made
    finally:
        watching.cancel()
        made.end()
        await asyncio.gather(watching, return_exceptions=True)


async def test_a_word_makes_it_look_again(gateway: Gateway) -> None:
    connection, (token_id, token) = Connection(), await gateway.token("observer")
    async with asyncio.timeout(10), standing(gateway, token, connection) as looked_at:
        looked_at.check()
        await connection.kept.get()
        await gateway.adapters.tokens.revoke(gateway.workspace, looked_at.caller.token_id, owns=True)
        assert looked_at.caller.token_id == token_id
        looked_at.check()
        assert await connection.losses.get() is Loss.ENDED


async def test_a_word_after_the_end_harms_nobody(gateway: Gateway) -> None:
    connection, (_, token) = Connection(), await gateway.token("observer")
    async with standing(gateway, token, connection) as looked_at:
        pass
    looked_at.check()
    looked_at.check()
    assert connection.losses.empty()


async def test_one_that_cannot_be_checked_may_not_go_on(gateway: Gateway) -> None:
    connection, (_, token) = Connection(), await gateway.token("observer")
    async with asyncio.timeout(10), standing(gateway, token, connection) as looked_at:
        for problem, loss in (
            (RuntimeError("unforeseen"), Loss.UNCHECKED),
            (RelayError("refused"), Loss.UNCHECKED),
            (NotAuthenticated("over"), Loss.ENDED),
        ):
            connection.problem = problem
            looked_at.check()
            assert await connection.losses.get() is loss
