"""Two people, two machines: what one of them loses, takes along or copies gives nobody the other's."""

import asyncio
import shutil
import subprocess
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
import pytest_asyncio

from connect.sdk.relay import AgentRelay
from connect.sdk.types import Proxy
from tests.fixtures.process_family import descendants
from tests.fixtures.processes import (
    START_S,
    Running,
    agent_named,
    client,
    environment,
    key_of,
    machine,
    until,
    until_gone,
    up,
)

pytestmark = pytest.mark.asyncio(loop_scope="module")
_NOT_WANTED = 3
"""How relay-connect ends whose broker does not want it back."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """A member, signed in, with a token for machines."""

    id: str
    token: str
    machine_token: str
    share: str
    """The token of a link to the session that the person has made."""

    def token_file(self, folder: Path) -> Path:
        path = folder / f"{self.id}.token"
        path.write_text(self.machine_token)
        path.chmod(0o600)
        return path


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """A broker, and the operator."""

    folder: Path
    broker: Running
    relay: AgentRelay

    async def call(self, method: str, path: str, body: object = None, *, token: str | None = None) -> httpx.Response:
        given = {"Authorization": f"Bearer {token or key_of(self.broker)}"}
        async with httpx.AsyncClient(timeout=60) as http:
            return await http.request(method, self.broker.url + path, json=body, headers=given)

    async def ok(self, method: str, path: str, body: object = None, *, token: str | None = None) -> Any:
        answer = await self.call(method, path, body, token=token)
        assert answer.status_code == 200, answer.text
        return answer.json()["data"]

    async def person(self, name: str) -> Person:
        await self.relay.session()
        made = await self.ok("POST", "/v1/members", {"name": name, "role": "admin"})
        async with httpx.AsyncClient(timeout=60) as http:
            code = made["url"].partition("#")[2]
            signed_in = await http.post(f"{self.broker.url}/v1/sign-in", json={"code": code})
        [token] = signed_in.cookies.values()
        minted = await self.ok("POST", "/v1/tokens", {"kind": "proxy", "name": f"{name}'s laptop"}, token=token)
        shared = await self.ok("POST", "/v1/sessions/main/share", {}, token=token)
        share = shared["url"].partition("#share=")[2]
        return Person(id=made["member"]["id"], token=token, machine_token=minted["token"], share=share)

    async def machine(self, name: str) -> Proxy:
        return next(each for each in await self.relay.proxies() if each.name == name)

    async def refusal(self, token_file: Path, *, state: str) -> str:
        """What a relay-connect says that is not wanted back."""
        arguments = ["--url", self.broker.url, "--token-file", str(token_file), "--state-dir", str(self.folder / state)]
        done = await asyncio.to_thread(
            subprocess.run,
            [sys.executable, "-m", "connect.cli", *arguments, "--name", "again", "--headless"],
            cwd=self.folder,
            env=environment(self.folder),
            capture_output=True,
            text=True,
            timeout=START_S,
            check=False,
        )
        assert done.returncode == _NOT_WANTED, done.stderr
        return done.stdout + done.stderr


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def scene(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Scene]:
    folder = Path(tmp_path_factory.mktemp("scene"))
    async with up(folder) as broker, client(broker) as relay:
        yield Scene(folder=folder, broker=broker, relay=relay)


async def test_a_leaver_takes_nothing_along(scene: Scene) -> None:
    ann, bob = await scene.person("Ann"), await scene.person("Bob")
    anns_file, bobs_file = ann.token_file(scene.folder), bob.token_file(scene.folder)
    async with (
        machine(scene.folder, scene.broker.url, anns_file, name="anns") as anns,
        machine(scene.folder, scene.broker.url, bobs_file, name="bobs"),
    ):
        assert (await scene.machine("anns")).owner_name == "Ann"
        worker = await scene.relay.spawn("Worker", "demo", on="anns")
        await scene.relay.spawn("Other", "demo", on="bobs")
        processes = descendants(anns.process.pid)
        assert processes
        busy = await scene.relay.send("Worker", "sleep 600")
        await scene.relay.send("Worker", "say never")
        await scene.ok("DELETE", f"/v1/members/{ann.id}")
        async with asyncio.timeout(START_S):
            await until(scene.relay, lambda event: event.kind == "agent.released" and event.agent == worker.id)
            await until_gone(processes)
            assert await anns.process.wait() == _NOT_WANTED
        left = await scene.machine("anns")
        assert (left.online, left.orphaned, left.owner_name) == (False, True, None)
        assert (await agent_named(scene.relay, "Worker")).reason == "owner_removed"
        (delivery,) = (await scene.relay.trace(busy.message_id)).deliveries
        assert (delivery.state, delivery.reason) == ("undeliverable", "owner_removed")
        for token in (ann.token, ann.machine_token, ann.share):
            assert (await scene.call("GET", "/v1/whoami", token=token)).status_code == 401
        assert (await scene.call("GET", "/v1/sessions/main", token=bob.share)).status_code == 200
        answer = await scene.relay.send("Other", "say one")
        assert (await scene.relay.wait_for(answer.message_id, timeout_s=30)).deliveries[0].answer == "one"
        await _comes_back(scene, anns_file)
        await _is_adopted(scene, bob)
        await scene.relay.release("Other")


async def _comes_back(scene: Scene, anns_file: Path) -> None:
    """The laptop is opened again, however much later: with its token, with another's, and with the workspace's key."""
    assert "token" in await scene.refusal(anns_file, state="anns")
    key_file = Path(scene.broker.ready["token_file"])
    assert "was removed" in await scene.refusal(key_file, state="anns")
    assert (await scene.machine("anns")).online is False


async def _is_adopted(scene: Scene, bob: Person) -> None:
    left = await scene.machine("anns")
    adopted = await scene.ok("POST", f"/v1/proxies/{left.id}/adopt", token=bob.token)
    assert adopted["adoption"] == {"by": bob.id}
    assert "adopted" in await scene.refusal(Path(scene.broker.ready["token_file"]), state="anns")
    async with machine(scene.folder, scene.broker.url, bob.token_file(scene.folder), name="anns"):
        found = await scene.machine("anns")
        assert (found.id, found.online, found.owner_name, found.orphaned) == (left.id, True, "Bob", False)


async def test_a_copied_machine_id_is_refused_to_anybody_else_and_takes_no_agent(scene: Scene) -> None:
    carl, dora = await scene.person("Carl"), await scene.person("Dora")
    async with machine(scene.folder, scene.broker.url, carl.token_file(scene.folder), name="carls"):
        await scene.relay.spawn("Mine", "demo", on="carls")
        shutil.copytree(scene.folder / "carls", scene.folder / "copy", ignore=shutil.ignore_patterns("control"))
        (scene.folder / "copy" / "token.json").unlink(missing_ok=True)
        said = await scene.refusal(dora.token_file(scene.folder), state="copy")
        assert "--new-identity" in said
        sent = await scene.relay.send("Mine", "say here")
        assert (await scene.relay.wait_for(sent.message_id, timeout_s=30)).deliveries[0].answer == "here"
        assert (await scene.machine("carls")).owner_name == "Carl"
        await scene.relay.release("Mine")


async def test_a_stolen_machine_token_is_a_machine_of_its_own_and_nobody(scene: Scene) -> None:
    erin = await scene.person("Erin")
    token_file = erin.token_file(scene.folder)
    async with machine(scene.folder, scene.broker.url, token_file, name="erins") as own:
        await scene.relay.spawn("Hers", "demo", on="erins")
        async with machine(scene.folder, scene.broker.url, token_file, name="thief") as stolen:
            assert (await scene.machine("thief")).agents == 0
            for method, path, body in (
                ("GET", "/v1/sessions", None),
                ("GET", "/v1/proxies", None),
                ("POST", "/v1/sessions", {"name": "mine"}),
                ("POST", "/v1/sessions/main/agents", {"name": "Spy", "cli": "demo", "on": "erins"}),
                ("POST", "/v1/tokens", {"kind": "proxy", "name": "another"}),
                ("DELETE", "/v1/sessions/main/agents/Hers", None),
            ):
                assert (await scene.call(method, path, body, token=erin.machine_token)).status_code == 403
            tokens = (await scene.ok("GET", "/v1/tokens"))["tokens"]
            (listed,) = [each for each in tokens if each["name"] == "Erin's laptop"]
            await scene.ok("DELETE", f"/v1/tokens/{listed['id']}")
            async with asyncio.timeout(START_S):
                assert (await own.process.wait(), await stolen.process.wait()) == (_NOT_WANTED, _NOT_WANTED)
        assert (await scene.machine("erins")).orphaned is False  # she is still here: another token of hers links it
