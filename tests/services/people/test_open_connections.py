"""Who is behind an open connection: looked at again at a word, at the end of a token, and whatever state it is in."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import weakref
from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from broker.app import Adapters
from broker.domain.errors import NotAuthenticated, NotFound, NotPermitted, RelayError, Unavailable
from broker.domain.ids import AgentId, FamilyId, MemberId, ProxyId, SessionId, TokenId, WorkspaceId
from broker.domain.people.access import Credential, Permission, Principal
from broker.domain.people.access_changes import AccessChange
from broker.domain.people.token_kinds import TokenKind
from broker.domain.plans.plans import Plan
from broker.services.people.access import Access, new_token
from broker.services.people.open_connections import Loss, OpenConnection, OpenConnections, require_same_sight

TOKEN = Credential(token="token")


def observer(**changed: Any) -> Principal:
    return replace(
        Principal(workspace=WorkspaceId("w"), kind=TokenKind.OBSERVER, token_id=TokenId("t"), name="o", plan=Plan.TEAM),
        **changed,
    )


def change(**of: Any) -> AccessChange:
    return AccessChange(workspace=WorkspaceId("w"), **of)


OF_IT = change(tokens=frozenset({TokenId("t")}))


@dataclass(slots=True, kw_only=True)
class Guard:
    """Says of every caller that it is the observer, or what there is to say against it."""

    problem: RelayError | None = None
    principal: Principal = field(default_factory=observer)
    asked: list[str | None] = field(default_factory=list)
    """Tokens; None for a caller without its token."""

    async def authenticate(self, shown: Credential) -> Principal:
        return self._answer(shown.token)

    async def present(self, _principal: Principal) -> Principal:
        return self._answer(None)

    def _answer(self, token: str | None) -> Principal:
        self.asked.append(token)
        if self.problem:
            raise self.problem
        return replace(self.principal)


class Slow(Guard):
    """Answers what it knew when it was asked, once it is let."""

    def __init__(self) -> None:
        super().__init__()
        self.waiting = asyncio.Queue[asyncio.Event]()
        self.at_once, self.most_at_once = 0, 0

    async def authenticate(self, shown: Credential) -> Principal:
        problem, principal = self.problem, self.principal
        self.asked.append(shown.token)
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        self.waiting.put_nowait(let := asyncio.Event())
        await let.wait()
        self.at_once -= 1
        if problem:
            raise problem
        return replace(principal)

    async def let(self) -> None:
        (await self.waiting.get()).set()


class Peer:
    """What a connection tells the edge that has it."""

    def __init__(self) -> None:
        self.looks = asyncio.Queue[None]()
        self.losses = asyncio.Queue[Loss]()
        self.problem: Exception | None = None

    def lose(self, loss: Loss, why: str) -> None:
        assert why
        self.losses.put_nowait(loss)

    async def keep(self) -> None:
        if self.problem:
            raise self.problem
        self.looks.put_nowait(None)

    def on(self, connections: OpenConnections, **terms: Any) -> OpenConnection:
        return OpenConnection(connections, lost=self.lose, kept=self.keep, **terms)

    async def loss(self) -> Loss:
        async with asyncio.timeout(5):
            return await self.losses.get()

    async def look(self) -> None:
        async with asyncio.timeout(5):
            await self.looks.get()


async def test_one_whose_access_ends_while_it_is_let_in_is_not_let_in() -> None:
    guard, peer = Slow(), Peer()
    connections = OpenConnections(guard)
    with peer.on(connections) as connection:
        async with asyncio.timeout(5):
            entering = asyncio.create_task(connection.begin(TOKEN))
            let = await guard.waiting.get()
            guard.problem = NotAuthenticated("removed")
            connections.access_changed(change(members=frozenset({MemberId("m")})))
            let.set()
            await guard.let()
            with pytest.raises(NotAuthenticated):
                await entering
        assert not connection.known


@pytest.mark.parametrize("grace_s", [None, 60])
@pytest.mark.parametrize(
    ("problem", "loss"),
    [
        (NotAuthenticated("gone"), Loss.ENDED),
        (NotFound("its workspace is called otherwise"), Loss.ENDED),
        (Unavailable("away"), Loss.UNCHECKED),
        (None, None),
    ],
)
async def test_after_news_may_have_been_missed_every_connection_is_looked_at_again(
    problem: RelayError | None, loss: Loss | None, grace_s: float | None
) -> None:
    guard, peer = Guard(), Peer()
    connections = OpenConnections(guard, retry_s=0)
    with peer.on(connections, grace_s=grace_s) as connection:
        await connection.begin(TOKEN)
        guard.problem = problem
        connections.access_changed(None)
        if loss is None:
            await peer.look()
        else:
            assert await peer.loss() is loss
        assert peer.losses.empty()
    assert set(guard.asked[1:]) == {"token" if grace_s is None else None}


async def test_a_change_elsewhere_or_of_another_is_nothing_to_a_connection() -> None:
    guard, peer = Guard(), Peer()
    connections = OpenConnections(guard)
    with peer.on(connections) as connection:
        await connection.begin(TOKEN)
        guard.problem = NotAuthenticated("gone")
        connections.access_changed(replace(OF_IT, workspace=WorkspaceId("another")))
        connections.access_changed(change(tokens=frozenset({TokenId("u")}), members=frozenset({MemberId("t")})))
        connections.access_changed(OF_IT)
        assert await peer.loss() is Loss.ENDED
    assert guard.asked == ["token"] * 2


async def test_a_store_that_is_away_for_a_moment_costs_nobody_a_connection() -> None:
    class Away(Guard):
        def _answer(self, token: str | None) -> Principal:
            self.problem = Unavailable("away") if len(self.asked) in range(1, 4) else None
            return super()._answer(token)

    guard, peer = Away(), Peer()
    connections = OpenConnections(guard, retry_s=0)
    with peer.on(connections) as connection:
        await connection.begin(TOKEN)
        connections.access_changed(None)
        await peer.look()
        assert peer.losses.empty()
    assert len(guard.asked) == 5


async def test_one_that_may_no_longer_do_what_it_is_for_ends() -> None:
    guard, peer = Guard(), Peer()
    connections = OpenConnections(guard)
    with peer.on(connections, requires=Permission.READ) as connection:
        await connection.begin(TOKEN)
        guard.principal = observer(kind=TokenKind.PROXY)
        connections.access_changed(OF_IT)
        assert await peer.loss() is Loss.NOT_PERMITTED


async def test_doubts_while_it_is_looked_at_are_one_more_look() -> None:
    guard, peer = Slow(), Peer()
    connections = OpenConnections(guard)
    with peer.on(connections) as connection:
        async with asyncio.timeout(5):
            entering = asyncio.create_task(connection.begin(TOKEN))
            await guard.let()
            await entering
            connections.access_changed(OF_IT)
            let = await guard.waiting.get()
            for _ in range(5):
                connections.access_changed(OF_IT)
            let.set()
            await guard.let()
            for _ in range(2):
                await peer.look()
            connections.access_changed(OF_IT)
            await guard.let()
            await peer.look()
    assert guard.asked == ["token"] * 4
    assert guard.most_at_once == 1


async def test_a_link_that_was_not_renewed_in_time_is_ended() -> None:
    now = 0.0
    guard, peer = Guard(principal=observer(expires_at_ms=100_000, family=FamilyId("f"))), Peer()
    connections = OpenConnections(guard, clock=lambda: now)
    with peer.on(connections, grace_s=50) as connection:
        principal = await connection.begin(TOKEN)
        now = 149.0
        connections.end_expired()
        connection.renew(replace(principal, expires_at_ms=200_000))
        now = 249.0
        connections.end_expired()
        assert peer.losses.empty()
        now = 250.0
        connections.end_expired()
        assert peer.losses.get_nowait() is Loss.NOT_RENEWED
    assert guard.asked == ["token"]


async def test_a_link_whose_token_nothing_renews_ends_with_it_for_good() -> None:
    guard, peer = Guard(principal=observer(expires_at_ms=100_000)), Peer()
    connections = OpenConnections(guard, clock=lambda: 101.0)
    with peer.on(connections, grace_s=50) as connection:
        await connection.begin(TOKEN)
        guard.problem = NotAuthenticated("it has ended")
        connections.end_expired()
        assert await peer.loss() is Loss.ENDED


@pytest.mark.parametrize(
    ("about", "loss"),
    [
        ({}, Loss.EXPIRED),
        ({"family": FamilyId("f")}, Loss.NOT_RENEWED),
        ({"proxy": ProxyId("p")}, Loss.NOT_RENEWED),
    ],
)
async def test_it_is_told_whether_another_token_comes_after_the_one_that_ended(
    about: dict[str, Any], loss: Loss
) -> None:
    now = 0.0
    guard, peer = Guard(principal=observer(expires_at_ms=100_000, **about)), Peer()
    connections = OpenConnections(guard, clock=lambda: now)
    with peer.on(connections) as connection:
        await connection.begin(TOKEN)
        now, guard.problem = 100.0, NotAuthenticated("it has ended")
        connections.end_expired()
        assert await peer.loss() is loss


async def test_a_token_that_the_store_has_given_more_time_goes_on() -> None:
    now = 0.0
    guard, peer = Guard(principal=observer(expires_at_ms=100_000)), Peer()
    connections = OpenConnections(guard, clock=lambda: now)
    with peer.on(connections) as connection:
        await connection.begin(TOKEN)
        now, guard.principal = 100.0, observer(expires_at_ms=200_000)
        connections.end_expired()
        await peer.look()
        now = 199.0
        connections.end_expired()
        assert len(guard.asked) == 2
        now, guard.problem = 200.0, NotAuthenticated("it has ended")
        connections.end_expired()
        assert await peer.loss() is Loss.EXPIRED


async def test_of_many_connections_the_one_whose_time_is_over_ends() -> None:
    now = 0.0
    guard, idle, ending = Guard(), Peer(), Peer()
    connections = OpenConnections(guard, clock=lambda: now)
    with contextlib.ExitStack() as stack:
        for number in range(5):
            guard.principal = observer(expires_at_ms=(200 + number) * 1000)
            await stack.enter_context(idle.on(connections)).begin(TOKEN)
        guard.principal = observer(expires_at_ms=100_000)
        await stack.enter_context(ending.on(connections)).begin(TOKEN)
        now, guard.problem = 150.0, NotAuthenticated("it has ended")
        connections.end_expired()
        assert await ending.loss() is Loss.EXPIRED
        connections.end_expired()
        assert len(guard.asked) == 7
        now = 204.0
        connections.end_expired()
        assert [await idle.loss() for _ in range(5)] == [Loss.EXPIRED] * 5
    assert ending.losses.empty()


async def test_a_connection_goes_on_with_another_token_of_the_same_caller_only() -> None:
    guard, peer = Guard(principal=observer(expires_at_ms=100_000)), Peer()
    connections = OpenConnections(guard, clock=lambda: 150.0)
    with peer.on(connections) as connection:
        await connection.begin(TOKEN)
        guard.principal = observer(expires_at_ms=200_000)
        assert (await connection.go_on_with("fresh")).expires_at_ms == 200_000
        await peer.look()  # at what runs on it
        guard.problem = NotAuthenticated("the first has ended")
        connections.end_expired()
        with pytest.raises(NotAuthenticated):
            await connection.go_on_with("wrong")
        guard.problem, guard.principal = None, observer(token_id=TokenId("u"))
        with pytest.raises(NotPermitted):
            await connection.go_on_with("another's")
        assert connection.caller.token_id == TokenId("t")
        connections.access_changed(OF_IT)
        await peer.look()
        assert peer.losses.empty()
    assert guard.asked == ["token", "fresh", "wrong", "another's", "fresh"]


async def test_one_that_shows_things_goes_on_for_whoever_may_see_the_same() -> None:
    guard, peer = Guard(), Peer()
    with peer.on(OpenConnections(guard), successor=require_same_sight) as connection:
        await connection.begin(TOKEN)
        guard.principal = observer(token_id=TokenId("u"), kind=TokenKind.WORKSPACE)
        await connection.go_on_with("another")
        await peer.look()  # at what runs on it
        for changed in ({"workspace": WorkspaceId("x")}, {"session": SessionId("s")}):
            guard.principal = observer(**changed)
            with pytest.raises(NotPermitted):
                await connection.go_on_with("of something else")
        assert connection.caller.token_id == TokenId("u")


async def test_what_ends_while_it_takes_over_does_not_take_over() -> None:
    """The change may be about the token that is being taken, whose caller nobody here knows yet."""
    guard, peer = Slow(), Peer()
    connections = OpenConnections(guard)
    with peer.on(connections, successor=require_same_sight) as connection:
        async with asyncio.timeout(5):
            entering = asyncio.create_task(connection.begin(TOKEN))
            await guard.let()
            await entering
            taking = asyncio.create_task(connection.go_on_with("other"))
            let = await guard.waiting.get()
            guard.problem = NotAuthenticated("revoked")
            connections.access_changed(change(tokens=frozenset({TokenId("u")})))
            let.set()
            await guard.let()
            with pytest.raises(NotAuthenticated):
                await taking
    assert guard.asked == ["token", "other", "other"]
    assert peer.losses.empty()


@pytest.mark.parametrize("problem", [NotAuthenticated("the first was revoked"), None])
async def test_the_answer_to_a_token_that_was_replaced_meanwhile_counts_no_more(problem: RelayError | None) -> None:
    guard, peer = Slow(), Peer()
    connections = OpenConnections(guard)
    with peer.on(connections, successor=require_same_sight) as connection:
        async with asyncio.timeout(5):
            entering = asyncio.create_task(connection.begin(TOKEN))
            await guard.let()
            await entering
            guard.problem = problem
            connections.access_changed(OF_IT)
            first = await guard.waiting.get()
            guard.problem, guard.principal = None, observer(token_id=TokenId("u"))
            taking = asyncio.create_task(connection.go_on_with("other"))
            await guard.let()
            await taking
            first.set()
            connections.access_changed(None)
            await guard.let()
            await peer.look()
        assert connection.caller.token_id == TokenId("u")
    assert peer.losses.empty()


async def test_a_process_that_ends_tells_every_peer_once_known_or_not() -> None:
    guard, known, unknown, gone = Guard(), Peer(), Peer(), Peer()
    connections = OpenConnections(guard)
    with gone.on(connections):
        pass
    with known.on(connections) as connection, unknown.on(connections):
        await connection.begin(TOKEN)
        connections.drain()
        connections.drain()
        for peer in (known, unknown):
            assert peer.losses.get_nowait() is Loss.DRAINING
            assert peer.losses.empty()
    assert gone.losses.empty()


@pytest.mark.parametrize(
    "changed",
    [
        {"workspace": WorkspaceId("x")},
        {"token_id": TokenId("u")},
        {"kind": TokenKind.WORKSPACE},
        {"session": SessionId("s")},
        {"agent": AgentId("a")},
    ],
    ids=str,
)
def test_another_caller_is_another_in_all_that_counts(changed: dict[str, Any]) -> None:
    assert not observer(**changed).is_same_as(observer())
    assert observer(expires_at_ms=7).is_same_as(observer())


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """A connection with a token of the store's, and who may end that."""

    adapters: Adapters
    connection: OpenConnection
    connections: OpenConnections
    peer: Peer

    async def revoke(self) -> None:
        caller = self.connection.caller
        await self.adapters.tokens.revoke(caller.workspace, caller.token_id, owns=True)


@pytest.fixture
async def opened(adapters: Adapters, workspace: WorkspaceId) -> AsyncIterator[Opened]:
    access = Access(adapters.tokens, adapters.registry, adapters.members, adapters.workspaces, adapters.accounts)
    key = new_token(TokenKind.WORKSPACE)
    await access.adopt_workspace(key, workspace=workspace, name="w", plan=Plan.TEAM)
    _, token = await access.mint(await access.authenticate(key), kind=TokenKind.OBSERVER, name="o")
    peer, connections = Peer(), OpenConnections(access)
    with peer.on(connections) as connection:
        await connection.begin(Credential(token=token))
        yield Opened(adapters=adapters, connection=connection, connections=connections, peer=peer)


async def test_a_word_makes_it_look_again(opened: Opened) -> None:
    opened.connections.access_changed(None)
    await opened.peer.look()
    await opened.revoke()
    assert opened.peer.losses.empty()  # nobody has said so
    opened.connections.access_changed(None)
    assert await opened.peer.loss() is Loss.ENDED


async def test_a_word_after_the_end_harms_nobody(opened: Opened) -> None:
    gone = Peer()
    with gone.on(opened.connections) as connection:
        connection.renew(opened.connection.caller)
        opened.connections.access_changed(None)  # and is over before it was looked at
    await opened.peer.look()
    await opened.revoke()
    opened.connections.access_changed(None)
    assert await opened.peer.loss() is Loss.ENDED
    opened.connections.drain()
    assert gone.losses.empty()
    assert gone.looks.empty()


async def test_what_is_over_while_it_is_looked_at_hears_no_more_and_is_forgotten() -> None:
    guard, gone, marker = Slow(), Peer(), Peer()
    connections = OpenConnections(guard)
    async with asyncio.timeout(5):
        with gone.on(connections) as connection:
            connection.renew(observer())
            connections.access_changed(OF_IT)
            let = await guard.waiting.get()
            guard.problem = NotAuthenticated("gone")
        with marker.on(connections) as later:
            later.renew(observer())
            let.set()
            connections.access_changed(OF_IT)
            await guard.let()
            assert await marker.loss() is Loss.ENDED
    assert gone.losses.empty()
    assert gone.looks.empty()
    kept = weakref.ref(connection)
    del connection
    gc.collect()
    assert kept() is None


@pytest.mark.parametrize(
    ("problem", "loss"),
    [
        (RuntimeError("unforeseen"), Loss.UNCHECKED),
        (RelayError("refused"), Loss.UNCHECKED),
        (NotAuthenticated("over"), Loss.ENDED),
    ],
)
async def test_one_that_cannot_be_checked_may_not_go_on(opened: Opened, problem: Exception, loss: Loss) -> None:
    opened.peer.problem = problem
    opened.connection.doubt()
    assert await opened.peer.loss() is loss
