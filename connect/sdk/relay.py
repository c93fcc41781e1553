"""The client: one session of one workspace, over HTTP and one event socket."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing, suppress
from types import TracebackType
from typing import Any, Self
from urllib.parse import quote

import httpx

from broker.domain.agents.sessions import DEFAULT_SESSION
from broker.domain.agents.stops import StopHow
from broker.domain.approvals.answers import Scope, Verdict
from broker.domain.errors import Conflict, NotFound, Unavailable
from broker.domain.ids import ApprovalId, MessageId
from broker.domain.messages.messages import Mode
from broker.domain.messages.steps import ReceiptState
from broker.domain.names import looks_like_id
from broker.domain.timings import TIMINGS
from connect.access.endpoint import Endpoint, resolve_endpoint
from connect.sdk.api_client import ApiClient
from connect.sdk.event_feed import EventFeed, FeedItem
from connect.sdk.facts import MessageReceipt, read_fact
from connect.sdk.logs import LogHits, Logs
from connect.sdk.place import LocalPlace, local_place
from connect.sdk.tokens import FixedToken, TokenSource
from connect.sdk.types import (
    Agent,
    Approval,
    Channel,
    Event,
    LinkUp,
    Proxy,
    Question,
    Reset,
    Sent,
    Session,
    Stop,
    SuggestedRule,
    Trace,
)

_PAGE = 100
_SPAWN_TIMEOUT_S = TIMINGS.ready_deadline_ms / 1000 + 10
"""Longer than its machine and then the broker take to give it up: who waits is told why, and once."""
_LOOK_AGAIN_S = 1.0
_ANSWER_MARGIN_S = 15.0
"""The broker ends a wait by its own deadline; the client waits this much longer before it takes it for dead."""


class AgentRelay:
    """One session of one workspace. Usable with or without `async with`; `close()` ends it."""

    def __init__(
        self,
        url: str | None = None,
        token: str | None = None,
        session: str | None = None,
        *,
        tokens: TokenSource | None = None,
        insecure: bool | None = None,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        """`tokens`: in place of one `token` that serves for good; `insecure`: allow plain HTTP to another machine."""
        found = tokens.token if tokens is not None else token
        self.endpoint: Endpoint = resolve_endpoint(url, found, insecure=insecure)
        self._tokens = tokens or FixedToken(self.endpoint.token)
        self._wanted = session or os.environ.get("RELAYCAST_SESSION") or DEFAULT_SESSION
        self._api = ApiClient(self.endpoint, tokens=self._tokens, transport=transport)
        self._joining = asyncio.Lock()
        self._feeds: set[EventFeed] = set()
        """Those that are read, or were left in the middle."""
        self._session: Session | None = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Close the connections, and end what `events` and `feed` read; agents go on."""
        await asyncio.gather(*(feed.close() for feed in self._feeds))
        await self._api.close()

    async def session(self) -> Session:
        """The session, found by id or name, or made when there is none of that name."""
        async with self._joining:
            if self._session is None:
                self._session = await self._join()
            return self._session

    async def request(self, method: str, path: str, *, body: Mapping[str, object] | None = None) -> Any:
        """The answer to any request of the HTTP API; what changes something is sent with an idempotency key."""
        return await self._api.call(method, path, body=body)

    async def sessions(self) -> list[Session]:
        """All sessions that the token can see."""
        found = await self._api.call("GET", "/v1/sessions")
        return [Session.model_validate(each) for each in found["sessions"]]

    async def spawn(
        self,
        name: str,
        cli: str,
        task: str | None = None,
        *,
        on: str | None = None,
        labels: Sequence[str] = (),
        cwd: str | None = None,
        model: str | None = None,
        worktree: bool = False,
        wait: bool = True,
        timeout_s: float = _SPAWN_TIMEOUT_S,
    ) -> Agent:
        """Start an agent, give it `task`, and return when it is ready (at once with `wait=False`).

        `on` is a machine's name or id. Without it and without `labels` this very machine is meant, where it is linked
        with this broker, and a `cwd` from this program's own folder on; elsewhere the only machine there is. The
        answer's `machine` and `cwd` say where it runs. With `worktree` that is a git worktree of its own below there,
        on the answer's `branch`; it goes when the agent is released and has changed nothing.

        Raises `Conflict` (MACHINE_NOT_CHOSEN), with the machines to choose from, `NoPlacement`, and `SpawnFailed`.
        """
        if on is None and not labels and (place := await self._place()) is not None:
            on, cwd = place.machine, place.lead_to(cwd)
        wanted = {"task": task, "on": on, "labels": list(labels) or None, "cwd": cwd, "model": model}
        body: dict[str, object] = {key: value for key, value in wanted.items() if value is not None}
        if worktree:  # a broker of before knows no such word, and refuses it
            body["worktree"] = True
        body |= {"name": name, "cli": cli, "wait": wait, "timeout_s": timeout_s}
        patience = timeout_s + _ANSWER_MARGIN_S if wait else _ANSWER_MARGIN_S
        return Agent.model_validate(await self._in_session("POST", "/agents", body=body, timeout_s=patience))

    async def send(
        self,
        to: str,
        text: str,
        *,
        mode: Mode = Mode.WAIT,
        thread: MessageId | None = None,
        ttl_s: int | None = None,
    ) -> Sent:
        """Send `text` to an agent, a `#channel`, or everybody (`*`)."""
        body: dict[str, object] = {"to": to, "text": text, "mode": mode}
        if thread is not None:
            body["thread"] = thread
        if ttl_s is not None:
            body["ttl_s"] = ttl_s
        return Sent.model_validate(await self._in_session("POST", "/messages", body=body))

    async def broadcast(self, text: str, *, mode: Mode = Mode.WAIT) -> Sent:
        """Send `text` to every agent of the session."""
        return await self.send("*", text, mode=mode)

    async def release(self, name: str) -> Agent:
        """End an agent and everything it started."""
        path = f"/agents/{quote(name, safe='')}"
        return Agent.model_validate(await self._in_session("DELETE", path, query={"wait": "true"}))

    async def resume(self, name: str) -> Agent:
        """Bring an ended agent back with its conversation; returns when it is ready."""
        return Agent.model_validate(await self._in_session("POST", f"/agents/{quote(name, safe='')}/resume"))

    async def interrupt(self, name: str) -> Agent:
        """Stop an agent's running turn."""
        return Agent.model_validate(await self._in_session("POST", f"/agents/{quote(name, safe='')}/interrupt"))

    async def stop_all(
        self, *, machine: str | None = None, everywhere: bool = False, how: StopHow = StopHow.PAUSE, note: str = ""
    ) -> Stop:
        """Let no turn begin in the session, on a `machine` (name or id), or `everywhere` in the workspace.

        Turns that run are interrupted; agents are paused, or ended with `StopHow.RELEASE`. It stands until
        `resume_all` of the same. Raises `NotPermitted`: agents may not, and only who administers may do the wider ones.
        """
        path = await self._stop_path(machine, everywhere=everywhere)
        found = await self._api.call("POST", f"{path}/stop", body={"how": how, "note": note})
        return Stop.model_validate(found["stop"])

    async def resume_all(self, *, machine: str | None = None, everywhere: bool = False, note: str = "") -> Stop | None:
        """Let it go on; the stop that is over, None when there was none. Other stops over the same agents stay."""
        path = await self._stop_path(machine, everywhere=everywhere)
        found = await self._api.call("POST", f"{path}/resume", body={"note": note})
        return Stop.model_validate(found["stop"]) if found["stop"] else None

    async def stops(self) -> list[Stop]:
        """What is stopped, the widest first."""
        found = await self._api.call("GET", "/v1/stops")
        return [Stop.model_validate(each) for each in found["stops"]]

    async def agents(self) -> list[Agent]:
        """The session's agents, ended ones too."""
        found = await self._in_session("GET", "/agents")
        return [Agent.model_validate(each) for each in found["agents"]]

    async def proxies(self) -> list[Proxy]:
        """The workspace's machines and what they can run."""
        found = await self._api.call("GET", "/v1/proxies")
        return [Proxy.model_validate(each) for each in found["proxies"]]

    async def approvals(self) -> list[Approval]:
        """What agents wait for permission for."""
        return [each for each in await self.waiting() if not each.prompts]

    async def questions(self) -> list[Question]:
        """What agents ask in words and wait for an answer to."""
        return [each for each in await self.waiting() if isinstance(each, Question)]

    async def waiting(self) -> list[Approval]:
        """All that agents wait for, newest first: permission requests, and each `Question` among them."""
        found = await self._in_session("GET", "/approvals", query={"status": "pending"})
        return [(Question if each.get("prompts") else Approval).model_validate(each) for each in found["approvals"]]

    async def answer(
        self,
        approval_id: ApprovalId,
        verdict: Verdict,
        *,
        scope: Scope = Scope.ONCE,
        note: str = "",
        option_id: str | None = None,
        always: SuggestedRule | None = None,
    ) -> Approval:
        """Allow or deny; `note` is told to the agent.

        `always` puts a rule first, one of the approval's `suggested_rules`, say; for who administers.
        `option_id` says which of the approval's `options`, where a mere yes or no does not. Raises `Conflict` when
        somebody was first (`APPROVAL_ALREADY_ANSWERED`), nobody waits any more (`APPROVAL_GONE`), or an option has to
        be chosen (`CHOOSE_OPTION`). Where rules require several people it is `pending` afterwards, and its `needs` say
        whose yes is missing; `NotPermitted` (`APPROVAL_REQUIRES`) for somebody who is none of them.
        """
        path = f"/v1/approvals/{quote(approval_id, safe='')}/answer"
        body: dict[str, object] = {"verdict": verdict, "scope": scope, "note": note}
        if option_id is not None:
            body["option_id"] = option_id
        if always is not None:
            body["always"] = always.model_dump(include=set(SuggestedRule.model_fields))
        return Approval.model_validate(await self._api.call("POST", path, body=body))

    async def answer_question(self, question_id: ApprovalId, answers: Mapping[str, str | Sequence[str]]) -> Question:
        """Answer a question: a text or several for each of its prompts, by their ids.

        Raises `BadRequest` (`BAD_ANSWER`) for what a prompt does not take, and `Conflict` as `answer` does.
        """
        given = {name: [text] if isinstance(text, str) else list(text) for name, text in answers.items()}
        return await self._answer_question(question_id, {"answers": given})

    async def decline_question(self, question_id: ApprovalId, *, note: str = "") -> Question:
        """Tell the agent that nobody answers its question, and why."""
        return await self._answer_question(question_id, {"decline": True, "note": note})

    async def _answer_question(self, question_id: ApprovalId, body: dict[str, object]) -> Question:
        path = f"/v1/questions/{quote(question_id, safe='')}/answer"
        return Question.model_validate(await self._api.call("POST", path, body=body))

    async def trace(self, message_id: MessageId) -> Trace:
        """Every step a message took, with times, and the answer."""
        return Trace.model_validate(await self._in_session("GET", f"/messages/{quote(message_id, safe='')}"))

    async def wait_for(
        self, message_id: MessageId, state: ReceiptState = ReceiptState.ANSWERED, *, timeout_s: float | None = None
    ) -> Trace:
        """Wait until every recipient has reached `state` or never will; raise `TimeoutError` after `timeout_s`."""
        async with asyncio.timeout(timeout_s), aclosing(self.feed()) as feed:
            async for item in feed:
                if _may_concern(item, message_id):
                    trace = await self._trace_patiently(message_id)
                    if trace.settled_at(state):
                        return trace
        raise Conflict("this was closed while it waited", code="CLOSED")

    async def _trace_patiently(self, message_id: MessageId) -> Trace:
        """The trace, once the broker answers: as long as the events wait for it to come back, so does this."""
        while True:
            with suppress(Unavailable):
                return await self.trace(message_id)
            await asyncio.sleep(_LOOK_AGAIN_S)

    async def channels(self) -> list[Channel]:
        """The channels that the session's agents are in. A broker of before does not tell: `NotFound`."""
        found = await self._in_session("GET", "/channels")
        return [Channel.model_validate(each) for each in found["channels"]]

    async def join(self, channel: str, agent: str) -> None:
        """Make an agent a member of a `#channel`."""
        await self._in_session("POST", f"/channels/{quote(channel, safe='')}/members", body={"agent": agent})

    async def leave(self, channel: str, agent: str) -> None:
        """Take an agent out of a `#channel`."""
        await self._in_session("DELETE", f"/channels/{quote(channel, safe='')}/members/{quote(agent, safe='')}")

    async def events(self, after: str | None = None) -> AsyncGenerator[Event | Reset, None]:
        """The session's events: new ones, or from behind a cursor on (`"0"`: from the first kept).

        It survives dropped connections without gap or duplicate; a `Reset` says that history in between is gone. It
        ends with `close`; who leaves it earlier closes it with `contextlib.aclosing`, or leaves that to Python.
        """
        async with aclosing(self.feed(after)) as feed:
            async for item in feed:
                if isinstance(item, Event | Reset):
                    yield item

    async def feed(self, after: str | None = None) -> AsyncGenerator[FeedItem, None]:
        """Like `events`, with `LinkUp` and `LinkLost` for those who show the connection's state."""
        session = await self.session()
        feed = EventFeed(self.endpoint, session.id, after=after, tokens=self._tokens)
        self._feeds.add(feed)
        try:
            async with aclosing(feed.items()) as items:
                async for item in items:
                    yield item
        finally:
            self._feeds.discard(feed)

    async def event(self, offset: int) -> Event | None:
        """The event at that place of the session's log; None when there is none, or it is not kept any more."""
        head = Session.model_validate(await self._in_session("GET", ""))
        after = f"{head.epoch}:{max(0, offset - 1)}"
        page = await self._in_session("GET", "/events", query={"after": after, "limit": 1})
        found = [Event.model_validate(each) for each in page["events"]]
        return next((event for event in found if event.offset == offset), None)

    async def recent(self, *, limit: int = 1000, before: int | None = None) -> list[Event]:
        """The last events of the session, or those in front of the offset `before`; at most `limit`."""
        head = Session.model_validate(await self._in_session("GET", ""))
        end = head.offset if before is None else min(head.offset, max(0, before - 1))
        after: str = f"{head.epoch}:{max(0, end - limit)}"
        found: list[Event] = []
        while len(found) < limit:
            page = await self._in_session("GET", "/events", query={"after": after, "limit": _PAGE})
            if not page["events"]:
                break
            found += [Event.model_validate(each) for each in page["events"]]
            after = page["next"]
            if found[-1].offset >= end:
                break
        return [event for event in found if event.offset <= end][-limit:]

    async def search_logs(
        self, query: str, *, limit: int = 50, before: str | None = None, context: int = 0, everywhere: bool = False
    ) -> LogHits:
        """Find lines of the session's whole history, newest first; of all the token may see with `everywhere`.

        `agent:Backend kind:command "exit 1" -lint`; pass a page's `next` as `before` to go on behind it.
        """
        session = None if everywhere else (await self.session()).id
        return await Logs(self._api).search(query, session=session, limit=limit, before=before, context=context)

    async def _stop_path(self, machine: str | None, *, everywhere: bool) -> str:
        if everywhere:
            return "/v1/workspace"
        if machine is not None:
            return f"/v1/proxies/{quote(machine, safe='')}"
        return f"/v1/sessions/{quote((await self.session()).id, safe='')}"

    async def _place(self) -> LocalPlace | None:
        """Asked each time: the link comes and goes."""
        return await local_place(self.endpoint.url)

    async def _join(self) -> Session:
        try:
            found = await self._api.call("GET", f"/v1/sessions/{quote(self._wanted, safe='')}")
        except NotFound:
            if looks_like_id(self._wanted):  # of a session that is gone: no name for a new one
                raise
            found = await self._api.call("POST", "/v1/sessions", body={"name": self._wanted})
        return Session.model_validate(found)

    async def _in_session(self, method: str, path: str, **options: Any) -> Any:
        session = await self.session()
        return await self._api.call(method, f"/v1/sessions/{quote(session.id, safe='')}{path}", **options)


def _may_concern(item: FeedItem, message_id: MessageId) -> bool:
    """Whether the message may have got further by `item`; a new connection or a gap may hide anything."""
    if isinstance(item, Event):
        fact = read_fact(item)
        return isinstance(fact, MessageReceipt) and fact.message == message_id
    return isinstance(item, LinkUp | Reset)
