"""Short-lived tokens: what is exchanged, refreshed, kept and dropped."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from starlette.responses import JSONResponse

from broker.domain.errors import NotAuthenticated, NotPermitted, Unavailable
from broker.protocol.proxy import Auth
from connect.access.credentials import KeptTokens, MachineCredentials, TerminalCredentials, machine_purpose
from connect.access.endpoint import Endpoint, GivenToken, TokenSource
from tests.connect.api_double import refusal
from tests.connect.token_double import TokenDouble, token_double

PERSON = "rk_live_" + "p" * 43
PROXY = "nt_live_" + "q" * 43
FOR = {"for": "machine", "machine_id": "m1", "name": "box"}


@dataclass
class Uptime:
    seconds: float = 1000.0

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture
async def broker() -> AsyncIterator[TokenDouble]:
    async with token_double() as double:
        yield double


def given(text: str = PERSON, *, path: Path | None = None) -> GivenToken:
    return GivenToken(text=text, source=TokenSource.FILE if path else TokenSource.ENVIRONMENT, path=path)


def machine(url: str, folder: Path, token: GivenToken | None, *, uptime: Uptime | None = None) -> MachineCredentials:
    return MachineCredentials(
        Endpoint(url=url),
        token,
        kept=KeptTokens(path=folder / "token.json", url=url),
        purpose=machine_purpose("m1", "box"),
        uptime_s=uptime or Uptime(),
    )


async def test_a_persons_token_is_exchanged_once_and_dropped_everywhere(broker: TokenDouble, tmp_path: Path) -> None:
    token = given()
    credentials = machine(broker.url, tmp_path, token)
    assert await credentials.access() == "nt_live_1-1"
    assert await credentials.access() == "nt_live_1-1"
    assert broker.exchanges == [(PERSON, FOR)]
    assert token.text == ""
    assert credentials.secrets == ("nt_live_1-1", "rt_live_1-1")
    kept = tmp_path / "token.json"
    assert PERSON not in kept.read_text()
    assert kept.stat().st_mode & 0o777 == 0o600


async def test_after_a_restart_it_goes_on_with_what_was_kept_and_needs_no_token(
    broker: TokenDouble, tmp_path: Path
) -> None:
    await machine(broker.url, tmp_path, given()).access()
    token = given()
    assert await machine(broker.url, tmp_path, token).access() == "nt_live_1-1"
    assert token.text == ""
    assert await machine(broker.url, tmp_path, None).access() == "nt_live_1-1"
    assert len(broker.exchanges) == 1


async def test_what_was_kept_is_for_its_broker_and_its_token_alone(broker: TokenDouble, tmp_path: Path) -> None:
    await machine(broker.url, tmp_path, given()).access()
    assert machine("http://127.0.0.1:1", tmp_path, given()).token == PERSON
    assert machine("http://127.0.0.1:1", tmp_path, None).token == ""
    assert await machine(broker.url, tmp_path, given("rk_live_another")).access() == "nt_live_2-1"


async def test_a_token_that_ended_while_the_laptop_slept_is_refreshed_before_it_connects(
    broker: TokenDouble, tmp_path: Path
) -> None:
    uptime = Uptime()
    credentials = machine(broker.url, tmp_path, given(), uptime=uptime)
    await credentials.access()
    uptime.seconds += 8 * 3600
    assert await credentials.access() == "nt_live_1-2"
    assert broker.refreshes == ["rt_live_1-1"]
    assert json.loads((tmp_path / "token.json").read_bytes())["refresh_token"] == "rt_live_1-2"


async def test_many_who_want_a_fresh_token_make_one_call(broker: TokenDouble, tmp_path: Path) -> None:
    uptime = Uptime()
    credentials = machine(broker.url, tmp_path, given(), uptime=uptime)
    await credentials.access()
    uptime.seconds += 1000
    broker.gate = asyncio.Event()
    async with asyncio.timeout(10), asyncio.TaskGroup() as tasks:
        wanted = [tasks.create_task(credentials.access()) for _ in range(20)]
        wanted += [tasks.create_task(_replaced(credentials, "nt_live_1-1")) for _ in range(20)]
        while not broker.refreshes:
            await asyncio.sleep(0)
        broker.gate.set()
    assert {task.result() for task in wanted} == {"nt_live_1-2"}
    assert broker.refreshes == ["rt_live_1-1"]


async def _replaced(credentials: MachineCredentials, refused: str) -> str:
    assert await credentials.replace(refused)
    return credentials.token


async def test_it_asks_on_the_link_before_the_token_ends_and_once_until_it_is_answered(
    broker: TokenDouble, tmp_path: Path
) -> None:
    uptime = Uptime()
    credentials = machine(broker.url, tmp_path, given(), uptime=uptime)
    await credentials.access()
    assert credentials.ask() is None
    uptime.seconds += credentials.due_in_s() or 0
    order = credentials.ask()
    assert order is not None
    assert order.refresh_token == "rt_live_1-1"
    assert credentials.ask() is None
    uptime.seconds += 30
    again = credentials.ask()
    assert again is not None
    assert again.refresh_token == "rt_live_1-1"
    credentials.take(Auth(token="nt_live_b", expires_at_ms=0, refresh_token="rt_live_b"), life_s=900)
    assert credentials.ask() is None
    assert credentials.token == "nt_live_b"
    assert credentials.due_in_s() == pytest.approx(600)
    assert machine(broker.url, tmp_path, None).secrets == ("nt_live_b", "rt_live_b")


async def test_an_answer_that_was_lost_is_asked_for_again_with_the_same_token(
    broker: TokenDouble, tmp_path: Path
) -> None:
    uptime = Uptime()
    credentials = machine(broker.url, tmp_path, given(), uptime=uptime)
    await credentials.access()
    uptime.seconds += 1000
    broker.answering = JSONResponse({}, status_code=503)
    with pytest.raises(Unavailable):
        await credentials.access()
    assert await credentials.access() == "nt_live_1-2"
    assert broker.refreshes == ["rt_live_1-1", "rt_live_1-1"]


async def test_a_machine_whose_family_was_ended_is_told_so_and_forgets_it(broker: TokenDouble, tmp_path: Path) -> None:
    credentials = machine(broker.url, tmp_path, given())
    await credentials.access()
    broker.ended.add(1)
    with pytest.raises(NotAuthenticated, match="revoked"):
        await credentials.replace("nt_live_1-1")
    assert not (tmp_path / "token.json").exists()
    with pytest.raises(NotAuthenticated, match="no token"):
        await credentials.access()


async def test_a_token_that_lies_in_a_file_is_read_again_where_its_family_was_ended(
    broker: TokenDouble, tmp_path: Path
) -> None:
    path = tmp_path / "token"
    path.write_text(PERSON)
    credentials = machine(broker.url, tmp_path, given(path=path))
    await credentials.access()
    broker.ended.add(1)
    path.write_text("rk_live_new\n")
    assert await credentials.replace("nt_live_1-1")
    assert await credentials.access() == "nt_live_2-1"
    assert [bearer for bearer, _ in broker.exchanges] == [PERSON, "rk_live_new"]


async def test_a_machines_own_token_is_exchanged_too_and_held_for_the_case_that_its_family_ends(
    broker: TokenDouble, tmp_path: Path
) -> None:
    credentials = machine(broker.url, tmp_path, given(PROXY))
    assert await credentials.access() == "nt_live_1-1"
    broker.ended.add(1)
    assert await credentials.replace("nt_live_1-1")
    assert await credentials.access() == "nt_live_2-1"


@pytest.mark.parametrize("status", [400, 404, 405])
async def test_a_broker_that_cannot_exchange_gets_the_given_token_and_that_is_said(
    broker: TokenDouble, tmp_path: Path, status: int
) -> None:
    broker.answering = JSONResponse({}, status_code=status)
    credentials = machine(broker.url, tmp_path, given())
    assert await credentials.access() == PERSON
    assert "cannot exchange tokens" in (credentials.weaker or "")
    assert PERSON not in (credentials.weaker or "")
    credentials.take(Auth(token="nt_live_in-band", expires_at_ms=0), life_s=None)
    assert credentials.token == "nt_live_in-band"
    # It was updated meanwhile: the next connection is as it should be.
    assert await credentials.access() == "nt_live_2-1"
    assert credentials.weaker is None


async def test_a_machines_own_token_is_no_weaker_without_an_exchange(broker: TokenDouble, tmp_path: Path) -> None:
    broker.answering = JSONResponse({}, status_code=404)
    credentials = machine(broker.url, tmp_path, given(PROXY))
    assert await credentials.access() == PROXY
    assert credentials.weaker is None


async def test_refusals_and_absences_are_told_apart(broker: TokenDouble, tmp_path: Path) -> None:
    credentials = machine(broker.url, tmp_path, given())
    broker.answering = refusal(401, "TOKEN_REVOKED", "it was revoked")
    with pytest.raises(NotAuthenticated, match="it was revoked"):
        await credentials.access()
    broker.answering = refusal(403, "NOT_PERMITTED", "an agent's token is not exchanged")
    with pytest.raises(NotPermitted):
        await credentials.access()
    broker.answering = JSONResponse({}, status_code=502)
    with pytest.raises(Unavailable, match="HTTP 502"):
        await credentials.access()
    with pytest.raises(Unavailable, match=r"cannot reach 127\.0\.0\.1:9"):
        await machine("http://127.0.0.1:9", tmp_path, given()).access()


async def test_a_token_is_not_sent_on_to_where_a_redirect_points(broker: TokenDouble, tmp_path: Path) -> None:
    async with token_double() as other:
        broker.elsewhere = f"{other.url}/v1/auth/exchange"
        with pytest.raises(Unavailable, match="HTTP 307"):
            await machine(broker.url, tmp_path, given()).access()
        assert other.exchanges == []


async def test_a_disk_without_room_costs_the_memory_of_it_alone(
    broker: TokenDouble, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(descriptor: int, content: bytes) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "write", full)
    credentials = machine(broker.url, tmp_path, given())
    assert await credentials.access() == "nt_live_1-1"
    assert "used from memory: No space left on device" in (credentials.problem or "")


@pytest.mark.parametrize(
    "content", [b"", b"{", b"[]", b'{"for": 1}', b'{"for": "x", "token": "t", "refresh_token": 1}']
)
def test_a_broken_file_is_as_good_as_none(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "token.json").write_bytes(content)
    assert machine("http://127.0.0.1:1", tmp_path, given()).token == PERSON


async def test_a_terminal_acts_with_short_lived_tokens_which_lie_nowhere(broker: TokenDouble, tmp_path: Path) -> None:
    uptime = Uptime()
    credentials = TerminalCredentials(Endpoint(url=broker.url), given(), uptime_s=uptime)
    assert await credentials.access() == "nt_live_1-1"
    assert broker.exchanges == [(PERSON, {"for": "terminal"})]
    uptime.seconds += credentials.due_in_s() or 0
    assert await credentials.access() == "nt_live_1-2"
    assert await credentials.replace("nt_live_1-1")
    assert broker.refreshes == ["rt_live_1-1"]
    assert list(tmp_path.iterdir()) == []


async def test_a_terminal_goes_on_with_a_token_that_is_still_good_while_the_broker_is_away(broker: TokenDouble) -> None:
    uptime = Uptime()
    credentials = TerminalCredentials(Endpoint(url=broker.url), given(), uptime_s=uptime)
    await credentials.access()
    uptime.seconds += credentials.due_in_s() or 0
    broker.answering = JSONResponse({}, status_code=503)
    assert await credentials.access() == "nt_live_1-1"
    uptime.seconds += 1000
    broker.answering = JSONResponse({}, status_code=503)
    with pytest.raises(Unavailable):
        await credentials.access()


async def test_a_terminal_whose_family_was_ended_has_no_other_token(broker: TokenDouble) -> None:
    credentials = TerminalCredentials(Endpoint(url=broker.url), given())
    await credentials.access()
    broker.ended.add(1)
    assert not await credentials.replace("nt_live_1-1")
