"""Constant traffic while faults happen: senders that try until they are told, questions that many answer, live readers.

Everything here behaves as a good client: it repeats what failed with the same idempotency key, goes to the other
gateway when one does not answer, and resumes after its last cursor.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import re
import time
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from zlib import crc32

import httpx
import orjson
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidHandshake, WebSocketException

from tests.faults.facts import Accepted, Approval, Prompted, Refusal, Seen, Settled, ToldReset
from tests.faults.topology import SESSION, Stage

SENDERS = 5
_PAUSE_S = 0.4
"""Between the messages of one sender: together about twelve a second."""
_RETRY_S = 0.1
_REQUEST_S = 5.0
"""After this a client goes to the other gateway."""
_QUESTION_EVERY_S = 4.0
_ANSWER_EVERY_S = 0.5
_ANSWERERS = 3
_RECONNECT_S = 0.2
_KEY = re.compile(r"touch (q[0-9]+)")
_ORDER = re.compile(r"^ask (q[0-9]+)$", re.MULTILINE)
_TRIED_AGAIN = {429, 503}
_MESSAGES = f"/v1/sessions/{SESSION}/messages"


class Client:
    """One client that knows both gateways."""

    def __init__(self, stage: Stage, *, first: int = 0) -> None:
        self._stage = stage
        self._turn = itertools.count(first)
        self._http = httpx.AsyncClient(headers=stage.headers, timeout=_REQUEST_S, trust_env=False)
        self._url = stage.urls[next(self._turn) % len(stage.urls)]

    async def aclose(self) -> None:
        """Hang up."""
        await self._http.aclose()

    async def once(self, method: str, path: str, **options: Any) -> httpx.Response | None:
        """One try; None when there was no answer, and the next one goes to the other gateway."""
        try:
            return await self._http.request(method, self._url + path, **options)
        except httpx.HTTPError:
            self._url = self._stage.urls[next(self._turn) % len(self._stage.urls)]
            return None

    async def until_told(self, method: str, path: str, **options: Any) -> httpx.Response:
        """Try until there is an answer that is final. A wrong "do not try again" is kept, and not believed."""
        while True:
            answer = await self.once(method, path, **options)
            if answer is not None and answer.status_code < 500 and answer.status_code not in _TRIED_AGAIN:
                return answer
            if answer is not None:
                self._note(answer)
            await asyncio.sleep(_RETRY_S)

    def _note(self, answer: httpx.Response) -> None:
        error = _error(answer)
        if not error.get("retryable"):
            code = str(error.get("code", "?"))
            self._stage.history.refusals.append(Refusal(phase=self._stage.phase, status=answer.status_code, code=code))


class Traffic:
    """All of it for one stage; `flowing` while its context is open."""

    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        self.keeps = True
        """False while the store is about to go back in time."""
        self.left_open: set[str] = set()
        """Questions that nobody is to answer by the way."""
        self._numbers = itertools.count(1)
        self._questions = itertools.count(1)
        self._asked: dict[str, str] = {}
        self._wins: Counter[str] = Counter()
        self._read_to = 0
        self._reads: list[Prompted] = []
        self._heard: Counter[str] = Counter()
        self._answered_at: dict[str, float] = {}
        self._askers: dict[str, int] = {}
        self._last_act: dict[int, float] = {}
        self._stopping = asyncio.Event()

    @contextlib.asynccontextmanager
    async def flowing(self) -> AsyncIterator[None]:
        """Send, ask and read; at the end let everybody finish what they have begun."""
        async with contextlib.AsyncExitStack() as stack:
            readers = [asyncio.create_task(self._follow(n, f"reader-{n}")) for n in range(len(self.stage.urls))]
            stack.push_async_callback(_cancelled, readers)
            talkers = [asyncio.create_task(self._send(n), name=f"sender-{n}") for n in range(SENDERS)]
            talkers.append(asyncio.create_task(self._question(), name="questions"))
            stack.push_async_callback(_cancelled, talkers)
            yield
            self._stopping.set()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(30):
                    await asyncio.gather(*talkers)

    async def _send(self, number: int) -> None:
        client = Client(self.stage, first=number)
        recipients = itertools.cycle(self.stage.agents[number % len(self.stage.agents) :] + self.stage.agents)
        try:
            while not self._stopping.is_set():
                await self.send(client, next(recipients), sender=f"s{number}")
                await self._pause(_PAUSE_S)
        finally:
            await client.aclose()

    async def send(
        self, client: Client, to: str, *, sender: str, order: str | None = None, ttl_s: int | None = None
    ) -> Accepted | None:
        """Send one message until it is accepted; None when it was refused for a reason, as to an agent that is gone."""
        number = next(self._numbers)
        body: dict[str, object] = {"to": to, "text": f"number {number}\n{order or f'note {number}'}"}
        if ttl_s is not None:
            body["ttl_s"] = ttl_s
        phase, called_at, kept = self.stage.phase, time.time(), self.keeps
        answer = await client.until_told(
            "POST", _MESSAGES, json=body, headers={"Idempotency-Key": f"{self.stage.mark}-{number}"}
        )
        if answer.status_code != 200:
            code = str(_error(answer).get("code"))
            self.stage.history.refusals.append(Refusal(phase=phase, status=answer.status_code, code=code))
            return None
        accepted = Accepted(
            id=answer.json()["data"]["message_id"],
            sender=sender,
            recipient=to,
            number=number,
            phase=phase,
            called_at=called_at,
            accepted_at=time.time(),
            kept=kept and self.keeps,
        )
        self.stage.history.accepted.append(accepted)
        return accepted

    async def _question(self) -> None:
        """Ask one agent after the other something; whatever waits for an answer gets one from everybody at once."""
        clients = [Client(self.stage, first=n) for n in range(_ANSWERERS)]
        agents = itertools.cycle(self.stage.agents)
        try:
            while not self._stopping.is_set():
                await self.ask(clients[0], next(agents))
                next_at = time.monotonic() + _QUESTION_EVERY_S
                while time.monotonic() < next_at and not self._stopping.is_set():
                    await self._pause(_ANSWER_EVERY_S)
                    await self._answer_all(clients)
            while await self._answer_all(clients):
                await asyncio.sleep(_RETRY_S)
        finally:
            for client in clients:
                await client.aclose()

    async def ask(self, client: Client, agent: str, *, left_open: bool = False) -> str:
        """Have an agent ask for a permission; the question's key."""
        key = f"q{next(self._questions)}"
        if left_open:
            self.left_open.add(key)
        await self.send(client, agent, sender="asker", order=f"ask {key}")
        return key

    async def _answer_all(self, clients: list[Client]) -> int:
        """Answer everything that waits, each by all; how many there were."""
        found = await self.waiting_approvals(clients[0])
        waiting = [approval for approval in found if self._asked[approval] not in self.left_open]
        for approval in waiting:
            await asyncio.gather(*(self.answer(client, approval) for client in clients))
        return len(waiting)

    async def waiting_approvals(self, client: Client) -> list[str]:
        """The ids of what waits for an answer; remembers what was asked in each."""
        answer = await client.until_told("GET", f"/v1/sessions/{SESSION}/approvals", params={"status": "pending"})
        if answer.status_code != 200:
            return []
        for approval in answer.json()["data"]["approvals"]:
            if found := _KEY.search(orjson.dumps(approval).decode()):
                self._asked[approval["id"]] = found[1]
        return [approval["id"] for approval in answer.json()["data"]["approvals"] if approval["id"] in self._asked]

    async def answer(self, client: Client, approval: str) -> int:
        """Allow it; the status of the answer."""
        told = await client.until_told("POST", f"/v1/approvals/{approval}/answer", json={"verdict": "allow"})
        self._wins[approval] += told.status_code == 200
        self._answered_at[approval] = time.time()
        return told.status_code

    def asked_by(self, key: str) -> list[str]:
        """The approvals that are known to be about a question."""
        return [approval for approval, asked in self._asked.items() if asked == key]

    async def _follow(self, at: int, name: str) -> None:
        """Read the session's events live, for as long as this task lives."""
        items = self.stage.history.readers.setdefault(name, [])
        after = ""
        for turn in itertools.count(at):
            url = self.stage.urls[turn % len(self.stage.urls)].replace("http", "ws", 1)
            query = f"?after={after}" if after else ""
            dial = connect(
                f"{url}/v1/sessions/{SESSION}/events{query}",
                additional_headers=self.stage.headers,
                proxy=None,
                open_timeout=_REQUEST_S,
                close_timeout=1,
                max_size=None,
                ping_interval=5,
                ping_timeout=5,
            )
            with contextlib.suppress(OSError, TimeoutError, WebSocketException, InvalidHandshake):
                async with dial as socket:
                    async for text in socket:
                        event = orjson.loads(text)
                        after = f"{event['epoch']}:{event['offset']}" if event["kind"] != "hello" else after
                        if event["kind"] == "reset":
                            items.append(ToldReset())
                            after = f"{event['epoch']}:{max(0, event['offset'] - 1)}"
                        elif event["kind"] != "hello":
                            items.append(_seen(event))
            await asyncio.sleep(_RECONNECT_S)

    def reads(self) -> list[Prompted]:
        """What agents have read by now."""
        for record in self._fresh_records():
            self._last_act[record["pid"]] = record["at"]
            if "heard" in record:
                self._heard[record["heard"]] += record["outcome"] in {"yes", "no"}
            else:
                self._reads += [Prompted(message=message, at=record["at"]) for message in record["ids"]]
                self._askers |= dict.fromkeys(_ORDER.findall(record["text"]), record["pid"])
        return self._reads

    def heard(self, key: str) -> int:
        """How many answers to a question an agent got."""
        self.reads()
        return self._heard[key]

    def _fresh_records(self) -> list[dict[str, Any]]:
        whole, self._read_to = whole_lines(self.stage.records, self._read_to)
        return [orjson.loads(line) for line in whole]

    async def close_books(self, *, within_s: float) -> None:
        """Wait until every message has come to something, or the time is over; then write down what did."""
        client = Client(self.stage)
        try:
            await self._settle(client, within_s=within_s)
            await self._close_approvals(client)
        finally:
            await client.aclose()
        self.stage.history.prompted = list(self.reads())

    async def _settle(self, client: Client, *, within_s: float) -> None:
        settled = self.stage.history.settled
        open_ = [m.id for m in self.stage.history.accepted if m.id not in settled]
        forgotten = {m.id for m in self.stage.history.accepted if not m.kept}
        deadline = time.monotonic() + within_s
        while open_:
            for message in list(open_):
                if (state := await self._state(client, message)) is not None:
                    settled[message] = state
                if state is not None or message in forgotten:
                    open_.remove(message)
            if time.monotonic() > deadline:
                return
            await self._answer_all([client])  # a message that was held up may ask only now
            await asyncio.sleep(_RETRY_S)

    async def _state(self, client: Client, message: str) -> Settled | None:
        answer = await client.once("GET", f"{_MESSAGES}/{message}")
        if answer is None or answer.status_code != 200:
            return None
        (delivery,) = answer.json()["data"]["deliveries"]
        if delivery["state"] not in {"answered", "undeliverable"}:
            return None
        return Settled(message=message, state=delivery["state"], reason=delivery["reason"])

    async def status_of(self, client: Client, approval: str) -> str:
        """What has become of an approval."""
        answer = await client.once("GET", f"/v1/approvals/{approval}")
        return str(answer.json()["data"]["status"]) if answer is not None and answer.status_code == 200 else "unknown"

    async def _close_approvals(self, client: Client) -> None:
        for approval, key in self._asked.items():
            status = await self.status_of(client, approval)
            heard, lived_on = self.heard(key), self._lived_on(approval)
            found = Approval(key=key, wins=self._wins[approval], status=status, heard=heard, lived_on=lived_on)
            self.stage.history.approvals.append(found)

    def _lived_on(self, approval: str) -> bool:
        """Whether the process that had asked did anything after the answer."""
        asker = self._askers.get(self._asked[approval], 0)
        return self._last_act.get(asker, 0.0) > self._answered_at.get(approval, float("inf"))

    async def _pause(self, seconds: float) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._stopping.wait()


def _seen(event: dict[str, Any]) -> Seen:
    fragment = bool((event.get("data") or {}).get("transient"))
    return Seen(event["epoch"], event["offset"], crc32(orjson.dumps(event)), fragment)


def whole_lines(path: Path, start: int) -> tuple[list[bytes], int]:
    """The lines of a growing file from a position on that are complete, and the position behind them."""
    if not path.exists():
        return [], start
    with path.open("rb") as file:
        file.seek(start)
        whole, newline, _ = file.read().rpartition(b"\n")
    return (whole.split(b"\n"), start + len(whole) + 1) if newline else ([], start)


def _error(answer: httpx.Response) -> dict[str, Any]:
    with contextlib.suppress(ValueError):
        found = answer.json().get("error")
        if isinstance(found, dict):
            return found
    return {}


async def _cancelled(tasks: list[asyncio.Task[None]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
