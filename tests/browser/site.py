"""A broker with a machine that has the demo agent, for people to look at."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from connect.sdk import AgentRelay
from connect.sdk.types import Approval
from tests.fixtures.processes import Running, key_of, machine, up

_NEEDS = "{ workspace { needs(first: 100) { nodes { key kind title dismissable } } } }"
_DISMISS = "mutation ($keys: [ID!]!) { dismissFailures(input: {keys: $keys}) { __typename } }"


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """A running broker, as its operator has it."""

    broker: Running
    folder: Path

    @property
    def url(self) -> str:
        """Of the dashboard."""
        return self.broker.url

    @property
    def key_file(self) -> Path:
        """Where the workspace's key is."""
        return Path(self.broker.ready["token_file"])

    async def sign_in_link(self, *, name: str, role: str = "owner") -> str:
        """As `relaycast members add` prints it."""
        return str((await self.ask("POST", "/v1/members", {"name": name, "role": role}))["url"])

    async def share_link(self, session: str) -> str:
        """As `relaycast share` prints it."""
        return str((await self.ask("POST", f"/v1/sessions/{session}/share", {}))["url"])

    async def searchable(self, session: str, words: str, *, lines: int) -> None:
        """Wait until a search finds as many lines of a session: they reach the log store after a moment."""
        async with asyncio.timeout(30):
            while len((await self.ask("GET", f"/v1/logs/search?q=session:{session} {words}"))["hits"]) < lines:
                await asyncio.sleep(0.05)

    async def ask(self, method: str, path: str, body: object = None, *, token: str | None = None) -> Any:
        """One request with the workspace's key, or a token."""
        headers = {"Authorization": f"Bearer {token or key_of(self.broker)}"}
        async with httpx.AsyncClient(base_url=self.url, headers=headers, timeout=30, trust_env=False) as http:
            answer = await http.request(method, path, json=body)
        assert answer.is_success, answer.text
        return answer.json()["data"]

    async def settle(self) -> None:
        """What failed is dismissed, and runs that wait are cancelled: the tests of a worker share one workspace."""
        async with asyncio.timeout(30):
            while True:
                needs = (await self.query(_NEEDS))["workspace"]["needs"]["nodes"]
                failures = [each["key"] for each in needs if each["dismissable"]]
                runs = [each["key"].removeprefix("run|") for each in needs if each["kind"] == "RUN"]
                if not failures and not runs:
                    return
                await self.query(_DISMISS, {"keys": failures})
                for run in runs:
                    await self.ask("POST", f"/v1/workflows/runs/{run}/cancel", {})
                await asyncio.sleep(0.05)

    async def query(self, document: str, variables: dict[str, Any] | None = None) -> Any:
        """What GraphQL answers the workspace's key."""
        headers = {"Authorization": f"Bearer {key_of(self.broker)}"}
        async with httpx.AsyncClient(base_url=self.url, headers=headers, timeout=30, trust_env=False) as http:
            answer = await http.post("/graphql", json={"query": document, "variables": variables})
        assert "errors" not in answer.json(), answer.text
        return answer.json()["data"]

    @contextlib.asynccontextmanager
    async def session(self, name: str) -> AsyncIterator[AgentRelay]:
        """A session of its own; with it end its agents, and whatever in the workspace needs somebody."""
        async with AgentRelay(self.url, key_of(self.broker), name) as relay:
            await relay.session()
            try:
                yield relay
            finally:
                await release_all(relay)
                await self.settle()


@contextlib.asynccontextmanager
async def site(folder: Path, *arguments: str) -> AsyncIterator[Site]:
    """A broker with one machine. `arguments`: more of `relaycast up`."""
    async with up(folder, *arguments) as broker:
        made = Site(broker=broker, folder=folder)
        async with machine(folder, broker.url, made.key_file, name="desk"):
            yield made


async def release_all(relay: AgentRelay) -> None:
    """End every agent of a session; what they asked for is withdrawn."""
    for agent in await relay.agents():
        if agent.state not in {"released", "failed"}:
            await relay.release(agent.name)


async def asked(relay: AgentRelay, count: int = 1) -> list[Approval]:
    """What the agents of a session wait for, once there is as much."""
    async with asyncio.timeout(30):
        while len(found := await relay.waiting()) < count:
            await asyncio.sleep(0.02)
    return found
