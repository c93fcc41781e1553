"""What was asked of issuers: one question at a time for each, and not again for a while."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import pytest

from broker.adapters.oidc.remembered import FAILURE_S, Remembered
from broker.domain.errors import IdentityProviderFailed, OutboundFailed, RelayError

HOUR_S = 3600.0


@dataclass(slots=True)
class Asked:
    """Answers with how often it was asked, or fails; `let_go` holds it up while it is clear."""

    now: float = 1000.0
    times: int = 0
    failure: RelayError | None = None
    let_go: asyncio.Event = field(default_factory=asyncio.Event)
    begun: asyncio.Event = field(default_factory=asyncio.Event)

    async def __call__(self) -> int:
        self.times += 1
        self.begun.set()
        await self.let_go.wait()
        if self.failure:
            raise self.failure
        return self.times


@pytest.fixture
async def asked() -> AsyncIterator[Asked]:
    made = Asked()
    made.let_go.set()
    yield made


def remembered(asked: Asked, most: int = 3) -> Remembered[int]:
    return Remembered(monotonic=lambda: asked.now, most=most)


async def test_it_is_asked_once_until_it_is_old(asked: Asked) -> None:
    known = remembered(asked)
    assert [await known.get("a", asked, oldest_s=HOUR_S) for _ in range(3)] == [1, 1, 1]
    asked.now += HOUR_S
    assert await known.get("a", asked, oldest_s=HOUR_S) == 2
    assert await known.get("a", asked, oldest_s=30) == 2
    asked.now += 30
    assert await known.get("a", asked, oldest_s=30) == 3


async def test_who_comes_meanwhile_waits_for_the_same_question(asked: Asked) -> None:
    known = remembered(asked)
    asked.let_go.clear()
    waiting = [asyncio.ensure_future(known.get("a", asked, oldest_s=HOUR_S)) for _ in range(100)]
    await asked.begun.wait()
    asked.let_go.set()
    assert set(await asyncio.gather(*waiting)) == {1}
    assert asked.times == 1


async def test_a_question_that_is_given_up_is_asked_by_the_next(asked: Asked) -> None:
    known = remembered(asked)
    asked.let_go.clear()
    first = asyncio.ensure_future(known.get("a", asked, oldest_s=HOUR_S))
    await asked.begun.wait()
    second = asyncio.ensure_future(known.get("a", asked, oldest_s=HOUR_S))
    first.cancel()
    with pytest.raises(asyncio.CancelledError):
        await first
    asked.let_go.set()
    assert await second == 2


async def test_nobody_waits_for_others_for_ever(asked: Asked, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("broker.adapters.oidc.remembered._WAIT_S", 0.05)
    known = remembered(asked)
    asked.let_go.clear()
    first = asyncio.ensure_future(known.get("a", asked, oldest_s=HOUR_S))
    await asked.begun.wait()
    with pytest.raises(IdentityProviderFailed, match="others are waiting for it"):
        await known.get("a", asked, oldest_s=HOUR_S)
    assert await known.get("b", _seven, oldest_s=HOUR_S) == 7
    asked.let_go.set()
    assert await first == 1


@pytest.mark.parametrize("failure", [IdentityProviderFailed("no"), OutboundFailed("no", code="OUTBOUND_TIMEOUT")])
async def test_a_failure_is_remembered_for_a_moment(asked: Asked, failure: RelayError) -> None:
    known, asked.failure = remembered(asked), failure
    for _ in range(5):
        with pytest.raises(type(failure), match="no") as raised:
            await known.get("a", asked, oldest_s=HOUR_S)
        assert raised.value.code == failure.code
    assert asked.times == 1
    asked.failure, asked.now = None, asked.now + FAILURE_S
    assert await known.get("a", asked, oldest_s=HOUR_S) == 2


async def test_what_is_known_stays_while_asking_anew_fails(asked: Asked) -> None:
    known = remembered(asked)
    assert await known.get("a", asked, oldest_s=HOUR_S) == 1
    asked.now, asked.failure = asked.now + 60, IdentityProviderFailed("no")
    with pytest.raises(IdentityProviderFailed):
        await known.get("a", asked, oldest_s=30)
    assert await known.get("a", asked, oldest_s=HOUR_S) == 1


async def test_of_many_the_one_that_was_not_asked_for_the_longest_is_forgotten(asked: Asked) -> None:
    known = remembered(asked, most=3)
    for name in ["a", "b", "c", "a", "d"]:
        await known.get(name, asked, oldest_s=HOUR_S)
    assert asked.times == 4
    for name in ["a", "c", "d"]:
        await known.get(name, asked, oldest_s=HOUR_S)
    assert asked.times == 4
    assert await known.get("b", asked, oldest_s=HOUR_S) == 5


async def _seven() -> int:
    return 7
