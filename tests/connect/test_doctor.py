from __future__ import annotations

import asyncio
import json
import ssl
import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from click.testing import CliRunner

from connect.access.endpoint import Endpoint, GivenToken, TokenSource
from connect.cli import main
from connect.doctor import Finding, Health, examine
from connect.policy.policy import Policy
from connect.policy.policy_file import PolicyFile
from connect.settings import AgentSettings, ConnectSettings
from tests.connect.program import ACP_AGENT

_TOKEN = GivenToken(text="nt_live_x", source=TokenSource.ENVIRONMENT)
_DATE = "Date: Thu, 01 Jan 2015 00:00:00 GMT"
REFUSED = {"ok": False, "error": {"code": "NOT_AUTHENTICATED", "message": "who are you?"}}
KNOWN = {"ok": True, "data": {"workspace": {"id": "acme", "plan": "free"}, "kind": "proxy", "scopes": []}}


@asynccontextmanager
async def answering(status: int, body: object, *headers: str, tls: ssl.SSLContext | None = None) -> AsyncGenerator[str]:
    """An HTTP server with one answer for everything."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        content = json.dumps(body).encode()
        head = [f"HTTP/1.1 {status} X", f"Content-Length: {len(content)}", "Connection: close", *headers]
        writer.write("\r\n".join([*head, "", ""]).encode() + content)
        await writer.drain()
        writer.close()
        await writer.wait_closed()

    async with await asyncio.start_server(answer, "127.0.0.1", 0, ssl=tls) as server:
        yield f"http{'s' if tls else ''}://127.0.0.1:{server.sockets[0].getsockname()[1]}"


async def findings(url: str, folder: Path, *, token: GivenToken | None = _TOKEN) -> dict[str, Finding]:
    return {finding.subject: finding for finding in await examined(url, folder, token=token)}


async def all_about(subject: str, folder: Path) -> list[str]:
    return [finding.text for finding in await examined("http://127.0.0.1:9", folder) if finding.subject == subject]


async def examined(url: str, folder: Path, *, token: GivenToken | None = _TOKEN) -> list[Finding]:
    settings = ConnectSettings(
        endpoint=Endpoint(url=url),
        token=token,
        state_dir=folder,
        name="test",
        labels=(),
        session=None,
        agents={
            "scripted": AgentSettings(command=(sys.executable, str(ACP_AGENT))),
            "absent": AgentSettings(command=("no-such-program",)),
        },
        spool_bytes=1024 * 1024,
        cwd=Path.cwd(),
    )
    async with asyncio.timeout(20):
        return await examine(settings)


async def test_a_good_set_up_has_no_problems(tmp_path: Path) -> None:
    async with answering(200, KNOWN) as url:
        found = await findings(url, tmp_path)
    assert found["token"].text == "proxy token of workspace acme"
    assert not [finding for finding in found.values() if finding.health is Health.PROBLEM]
    assert found["scripted"].health is Health.OK
    assert found["absent"].health is Health.WARNING


async def test_a_broker_that_cannot_be_reached_comes_with_advice(tmp_path: Path) -> None:
    found = await findings("http://127.0.0.1:9", tmp_path)
    assert found["broker"].health is Health.PROBLEM
    assert "is `relaycast up` running?" in found["broker"].text


async def test_a_token_that_is_not_known_is_a_problem(tmp_path: Path) -> None:
    async with answering(401, REFUSED) as url:
        found = await findings(url, tmp_path)
    assert found["token"].health is Health.PROBLEM


async def test_something_else_at_the_url_is_recognised(tmp_path: Path) -> None:
    async with answering(200, {"hello": "world"}) as url:
        found = await findings(url, tmp_path)
    assert found["broker"].health is Health.PROBLEM
    assert "not a Relaycast broker" in found["broker"].text


async def test_a_clock_that_is_far_off_is_told(tmp_path: Path) -> None:
    async with answering(200, KNOWN, _DATE) as url:
        found = await findings(url, tmp_path)
    assert found["clock"].health is Health.WARNING
    assert "ahead of the broker's" in found["clock"].text


def test_the_command_prints_a_table_and_ends_with_one_when_something_is_wrong(tmp_path: Path) -> None:
    arguments = ["--url", "http://127.0.0.1:9", "--token", "x", "--state-dir", str(tmp_path)]
    result = CliRunner().invoke(main, ["doctor", *arguments], env={"RELAYCAST_CONFIG_DIR": str(tmp_path)})
    assert result.exit_code == 1
    assert "✗ broker" in result.output
    as_json = CliRunner().invoke(main, [*arguments, "doctor", "--json"], env={"RELAYCAST_CONFIG_DIR": str(tmp_path)})
    assert json.loads(as_json.output)["findings"][0]["health"] == "problem"


async def test_a_key_that_agents_can_read_is_told_with_the_way_to_a_wall(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RELAYCAST_DATA_DIR", str(tmp_path / "data"))
    token = GivenToken(text="rk_live_x", source=TokenSource.FILE, path=tmp_path / "key")
    async with answering(200, KNOWN) as url:
        found = await findings(url, tmp_path / "state", token=token)
        assert found["secrets"].health is Health.OK
        (tmp_path / "data").mkdir()
        for key in (tmp_path / "data" / "workspace.key", tmp_path / "key"):
            key.write_text("rk_live_x")
        found = await findings(url, tmp_path / "state", token=token)
    assert found["secrets"].health is Health.WARNING
    assert f"can read {tmp_path}/data/workspace.key and {tmp_path}/key" in found["secrets"].text
    assert f"sudo -H -u relaycast-agents relay-connect --headless --url {url} --token-file -" in found["secrets"].text
    assert "rk_live_x" not in str(found)


async def test_a_state_folder_that_others_can_look_into_is_told(tmp_path: Path) -> None:
    (tmp_path / "state").mkdir(mode=0o755)
    async with answering(200, KNOWN) as url:
        found = await findings(url, tmp_path / "state")
        assert found["state"].health is Health.WARNING
        (tmp_path / "state").chmod(0o700)
        assert (await findings(url, tmp_path / "state"))["state"].health is Health.OK


async def test_a_machine_without_a_token_can_only_go_on_where_it_was_linked_before(tmp_path: Path) -> None:
    async with answering(401, REFUSED) as url:
        found = await findings(url, tmp_path, token=None)
        assert (found["broker"].health, found["token"].health) == (Health.OK, Health.PROBLEM)
        assert "set RELAYCAST_TOKEN, or start a broker here" in found["token"].text
        kept = {"for": "x", "url": url, "token": "nt_live_x"}
        (tmp_path / "token.json").write_text(json.dumps(kept))
        found = await findings(url, tmp_path, token=None)
    assert found["token"].health is Health.OK
    assert "--headless" in found["token"].text


async def test_the_machines_policy_is_told_in_words(tmp_path: Path) -> None:
    PolicyFile(tmp_path, state=tmp_path).write(Policy(folders=(Path("/srv/a"),), strict=True, programs=("codex",)))
    told = await all_about("policy", tmp_path)
    assert f"agents work in /srv/a, {Path.cwd()} and below" in told
    assert "programs: codex" in told
    assert "asked at this terminal: every spawn, every approval of a command, a new folder (strict)" in told
    assert any("a fence, not a wall" in words for words in told)


async def test_a_policy_that_nobody_has_confirmed_is_a_problem(tmp_path: Path) -> None:
    PolicyFile(tmp_path, state=tmp_path).write(Policy())
    (tmp_path / "policy.toml").write_text("folders = ['/']")
    found = await findings("http://127.0.0.1:9", tmp_path)
    assert found["policy"].health is Health.PROBLEM
    assert "relay-connect policy confirm" in found["policy"].text


async def test_a_home_in_which_agents_may_work_is_a_warning(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    PolicyFile(tmp_path, state=tmp_path).write(Policy(folders=(tmp_path,)))
    assert f"agents may work in {tmp_path}, which holds keys and passwords" in await all_about("policy", tmp_path)
