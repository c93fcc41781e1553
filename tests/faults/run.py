"""A run: one fault after the other on a stage. One that does not recover is struck; the rest gets a fresh one."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import orjson
from websockets.asyncio.client import connect
from websockets.exceptions import WebSocketException

from tests.faults.checker import Verdict, judge
from tests.faults.facts import Logged
from tests.faults.faults import Fault
from tests.faults.processes import NotStarted
from tests.faults.subscribers import WrongSubscription
from tests.faults.topology import SESSION, Stage, stage
from tests.faults.traffic import Client, Traffic

_SETTLES_S = 60.0
_PAGE = 1000
_POLL_S = 0.2
_PROBE_S = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Passed:
    """One fault, when it was over. `recovered_s` is None when it never was."""

    fault: Fault
    phase: str
    lasted_s: float
    recovered_s: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class StageReport:
    """One life of a stage: its faults in order, and the verdict on everything that happened."""

    passed: tuple[Passed, ...]
    verdict: Verdict
    events: int
    """In the log that was read at the end."""


@dataclass(slots=True, kw_only=True)
class Run:
    """Which faults, for how long, and whom to tell how it goes."""

    faults: Sequence[Fault]
    folder: Path
    """Every process has its files and its log here; beside them lies `history.json`, what the verdict is made of."""
    long: bool = False
    tell: Callable[[Passed], None] = lambda passed: None
    _stages: int = field(default=0, init=False)

    async def stages(self) -> AsyncIterator[StageReport]:
        """Play all faults; a report for each stage that was needed."""
        for replicated in (False, True):
            waiting = [fault for fault in self.faults if fault.replicated is replicated]
            while waiting:
                report = await self._stage(waiting, replicated=replicated)
                waiting = waiting[len(report.passed) :]
                yield report

    async def _stage(self, faults: Sequence[Fault], *, replicated: bool) -> StageReport:
        self._stages += 1
        folder = self.folder / f"stage-{self._stages}"
        folder.mkdir(parents=True)
        async with stage(folder, replicated=replicated) as made:
            traffic = Traffic(made)
            async with traffic.flowing():
                passed = await self._play(made, traffic, faults)
            whole = all(each.recovered_s is not None for each in passed)
            await traffic.close_books(within_s=_SETTLES_S if whole else _PROBE_S)
            # A store that went back in time has a log of several lives, of which only readers were told everything.
            if whole and not replicated:
                made.history.log = await read_log(made)
        for each in passed:
            if each.recovered_s is None:
                made.history.remarks.append(
                    f"{each.phase}: not everybody was served {each.fault.recovers_s:g} s after it"
                )
        (folder / "history.json").write_bytes(orjson.dumps(made.history))
        return StageReport(passed=tuple(passed), verdict=judge(made.history), events=len(made.history.log))

    async def _play(self, made: Stage, traffic: Traffic, faults: Sequence[Fault]) -> list[Passed]:
        passed: list[Passed] = []
        for fault in faults:
            passed.append(await self._suffer(made, traffic, fault, name=_phase(fault, passed)))
            self.tell(passed[-1])
            if passed[-1].recovered_s is None:
                break
        return passed

    async def _suffer(self, made: Stage, traffic: Traffic, fault: Fault, *, name: str) -> Passed:
        made.phase = name
        began = time.monotonic()
        with _remarked(made):
            await fault.act(made, traffic, fault.long_s if self.long else fault.short_s)
        healed_at, lasted_s = time.time(), time.monotonic() - began
        recovered_s = None
        with _remarked(made), contextlib.suppress(TimeoutError):  # its being over is told by `recovered_s`
            async with asyncio.timeout(fault.recovers_s):
                await made.mend()
                await recovered(made, traffic, since=healed_at)
                recovered_s = time.time() - healed_at
        return Passed(fault=fault, phase=name, lasted_s=lasted_s, recovered_s=recovered_s)


@contextlib.contextmanager
def _remarked(made: Stage) -> Iterator[None]:
    """What stops a fault or its mending is a finding, and not the end of the run."""
    try:
        yield
    except (NotStarted, WrongSubscription, httpx.HTTPError, OSError) as error:
        made.remark(f"{type(error).__name__}: {error}")


def _phase(fault: Fault, passed: Sequence[Passed]) -> str:
    """Its name, with a number where it comes again."""
    before = sum(each.fault is fault for each in passed)
    return f"{fault.name}#{before + 1}" if before else fault.name


async def recovered(made: Stage, traffic: Traffic, *, since: float) -> None:
    """Return when everybody is served: agents read what is sent now, nothing waits, each gateway tells live."""
    async with httpx.AsyncClient(headers=made.headers, timeout=_PROBE_S, trust_env=False) as http:
        while not await _all_read(made, traffic, http, since=since):
            await asyncio.sleep(_POLL_S)
        for url in made.urls:
            while not await _is_alive(made, http, url):
                await asyncio.sleep(_POLL_S)


async def _all_read(made: Stage, traffic: Traffic, http: httpx.AsyncClient, *, since: float) -> bool:
    read = {prompt.message for prompt in traffic.reads()}
    served = {m.recipient for m in made.history.accepted if m.accepted_at > since and m.id in read}
    if not served.issuperset(made.agents):
        return False
    waiting = [
        m.id
        for m in made.history.accepted
        if m.phase == made.phase and m.kept and m.accepted_at < since and m.id not in read
    ]
    return all([await _is_reported(made, http, message) for message in waiting])


async def _is_reported(made: Stage, http: httpx.AsyncClient, message: str) -> bool:
    with contextlib.suppress(httpx.HTTPError):
        answer = await http.get(f"{made.urls[0]}/v1/sessions/{SESSION}/messages/{message}")
        return answer.status_code == 200 and answer.json()["data"]["deliveries"][0]["state"] == "undeliverable"
    return False


async def _is_alive(made: Stage, http: httpx.AsyncClient, url: str) -> bool:
    """It answers, and a reader that comes now hears what happens now."""
    with contextlib.suppress(httpx.HTTPError, OSError, TimeoutError, WebSocketException):
        (await http.get(f"{url}/healthz")).raise_for_status()
        address = f"{url.replace('http', 'ws', 1)}/v1/sessions/{SESSION}/events"
        async with (
            asyncio.timeout(_PROBE_S),
            connect(address, additional_headers=made.headers, proxy=None, close_timeout=1, max_size=None) as live,
        ):
            await live.recv()
            await live.recv()
            return True
    return False


async def read_log(made: Stage) -> list[Logged]:
    """The whole log, page by page, over the seam between Redis and the log store."""
    client, log, after = Client(made), list[Logged](), "0"
    try:
        while True:
            query: dict[str, Any] = {"after": after, "limit": _PAGE}
            answer = await client.until_told("GET", f"/v1/sessions/{SESSION}/events", params=query)
            page = answer.raise_for_status().json()["data"]
            log += map(_logged, page["events"])
            if page["next"] == page["head"] or not page["events"]:
                return log
            after = page["next"]
    finally:
        await client.aclose()


def _logged(event: dict[str, Any]) -> Logged:
    body = event.get("data") or {}
    return Logged(
        epoch=event["epoch"],
        offset=event["offset"],
        kind=event["kind"],
        message=body.get("id") if event["kind"] == "message.accepted" else body.get("message"),
        state=body.get("state"),
    )
