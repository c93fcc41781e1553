"""`relaycast hooks` against a gateway, at RELAYCAST_URL with RELAYCAST_TOKEN."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

import orjson
import pytest

from tests.fixtures.gateway import Gateway
from tests.fixtures.receiver import answer, receiving
from tests.fixtures.shell import Shell, shell_of
from tests.gateway.http.test_hooks import say, spawn
from tests.gateway.http.test_webhooks import SECRET, deliveries, webhook, working

TEXT = """\
hooks:
  codex:
    on_turn_complete:
      - {id: sound, command: "afplay Glass.aiff", enabled: false}
      - {id: tell, relay: Lead}
"""


@pytest.fixture
def shell(gateway: Gateway) -> Shell:
    return shell_of(gateway, "hooks")


async def test_hooks_are_applied_listed_shown_paused_resumed_and_cleared(shell: Shell, tmp_path: Path) -> None:
    assert "there are no hooks" in (await shell("list")).stdout
    file = tmp_path / "my hooks.yaml"
    file.write_text(TEXT)
    applied = (await shell("apply", str(file))).stdout
    assert applied.startswith("✓ version 1: 2 hooks\n")
    assert f"relay-connect hooks allow '{file}'" in applied
    listed = (await shell("list")).stdout
    assert "sound            codex on_turn_complete: afplay Glass.aiff  (not enabled)\n" in listed
    assert "tell             codex on_turn_complete: relay to Lead\n" in listed
    assert [each["id"] for each in orjson.loads((await shell("list", "--json")).stdout)["hooks"]] == ["sound", "tell"]
    assert (await shell("show")).stdout == TEXT
    assert "all hooks are paused" in (await shell("pause")).stdout
    assert "all hooks are paused: relaycast hooks resume" in (await shell("list")).stdout
    assert "hooks go on" in (await shell("resume")).stdout
    late = await shell("apply", str(file), "--replacing", "0")
    assert (late.exit_code, "HOOKS_CHANGED" in late.stderr) == (2, True)
    assert (await shell("clear", stdin="n\n")).exit_code == 1
    assert "there are no hooks any more" in (await shell("clear", "--yes")).stdout
    assert (await shell("show")).stdout == ""


async def test_every_problem_is_said_with_its_place_before_anything_is_sent(shell: Shell, tmp_path: Path) -> None:
    (tmp_path / "bad.yaml").write_text("hooks:\n  codex:\n    on_trun_end: x\n    on_command: 'a | b'\n")
    for command in ("check", "apply", "test"):
        said = await shell(command, str(tmp_path / "bad.yaml"), RELAYCAST_URL="http://127.0.0.1:1")
        assert said.exit_code == 1
        assert "bad.yaml: line 3, column 5: there is no event 'on_trun_end'; did you mean" in said.stderr
        assert "bad.yaml: line 4, column 17: no shell reads this command" in said.stderr
    (tmp_path / "good.yaml").write_text(TEXT)
    good = await shell("check", str(tmp_path / "good.yaml"), RELAYCAST_URL="http://127.0.0.1:1")
    assert good.stdout == "✓ nothing is wrong with it\n"


async def test_without_a_file_it_is_the_one_of_the_project(
    shell: Shell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    none = await shell("apply")
    assert (none.exit_code, ".relaycast/hooks.yaml" in none.stderr) == (2, True)
    (tmp_path / ".relaycast").mkdir()
    (tmp_path / ".relaycast" / "hooks.yaml").write_text(TEXT)
    assert "version 1: 2 hooks" in (await shell("apply")).stdout
    assert Path.cwd() == Path(os.path.realpath(tmp_path))


async def test_what_could_not_be_delivered_is_listed_and_sent_again(gateway: Gateway, shell: Shell) -> None:
    assert "everything was delivered" in (await shell("dead-letters")).stdout
    async with gateway.machine(), receiving(*[answer(503)] * 3, answer(200)) as receiver:
        await spawn(gateway, "Worker")
        await gateway.ok("POST", "/v1/secrets", {"name": "CI", "value": SECRET})
        async with working(gateway, with_=deliveries(gateway)), asyncio.timeout(30):
            assert "webhook to" not in (await shell("apply", "-", stdin=webhook(receiver))).stdout
            await say(gateway, "Worker")
            await receiver.until(3)
            while "answered 503, 3 attempts in all" not in (listed := (await shell("dead-letters")).stdout):
                pass
            run = listed.split()[0]
            assert (await shell("resend")).exit_code == 2
            assert (await shell("resend", run)).stdout == "✓ 1 to be delivered again\n"
            await receiver.until(4)
            while "✓ completed" not in (await shell("history")).stdout:
                pass
    assert "everything was delivered" in (await shell("dead-letters")).stdout
