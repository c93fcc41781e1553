"""Each line of doctor is true: a table of machines, and what it says about each."""

from __future__ import annotations

import asyncio
import os
import ssl
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from connect.doctor import Health, examine_options
from connect.doctor.findings import Finding
from connect.settings import Options
from connect.system.state_folder import StateFolder
from tests.connect.program import ACP_AGENT
from tests.connect.test_doctor import KNOWN, REFUSED, answering
from tests.fixtures.certificates import Authority

_NOBODY = "http://127.0.0.1:9"
_LOGGED_OUT = """\
import json, sys
for line in sys.stdin:
    message = json.loads(line)
    answer = {"result": {"protocolVersion": 1, "agentInfo": {"version": "3.2.1"}}}
    if message["method"] != "initialize":
        answer = {"error": {"code": -32000, "message": "Authentication required"}}
    print(json.dumps({"jsonrpc": "2.0", "id": message["id"], **answer}), flush=True)
"""
_PROXIES = ("http_proxy", "https_proxy", "all_proxy", "no_proxy")
_LOGINS = ("ANTHROPIC_", "CLAUDE_", "CODEX_", "OPENAI_", "GEMINI_", "GOOGLE_", "GH_", "GITHUB_", "COPILOT_", "XDG_")


@dataclass(frozen=True, kw_only=True)
class Machine:
    """What is on it; `{broker}` stands for the URL of a broker that answers."""

    url: str = _NOBODY
    status: int = 200
    programs: Mapping[str, str] = field(default_factory=dict)
    files: Mapping[str, str] = field(default_factory=dict)
    variables: Mapping[str, str] = field(default_factory=dict)
    token: str | None = None
    says: Mapping[str, tuple[Health, str]]


def _version(number: str) -> str:
    return f"#!/bin/sh\necho {number}\n"


_SPEAKS = f'#!/bin/sh\nexec "{sys.executable}" "{ACP_AGENT}"\n'
_SAYS_LOGGED_OUT = f"#!/bin/sh\nexec \"{sys.executable}\" -c '{_LOGGED_OUT}'\n"
_ALL = {
    "claude": _version("2.1.332"),
    "codex": _version("0.171.0"),
    "gemini": f'#!/bin/sh\n[ "$1" = --version ] && echo 0.61.0 && exit\nexec "{sys.executable}" "{ACP_AGENT}"\n',
}
OK, WARNING, PROBLEM, UNKNOWN = Health.OK, Health.WARNING, Health.PROBLEM, Health.UNKNOWN

MACHINES = {
    "nothing": Machine(
        says={
            "broker": (PROBLEM, "is `relaycast up` running?"),
            "token": (PROBLEM, "set RELAYCAST_TOKEN, or start a broker here with `relaycast up`"),
            "claude": (WARNING, "npm install -g @anthropic-ai/claude-code"),
            "codex": (WARNING, "was not found"),
            "gemini": (WARNING, "was not found"),
            "agents": (PROBLEM, "no agent program can be used"),
        },
    ),
    "everything": Machine(
        url="{broker}",
        token="nt_live_x",
        programs={**_ALL, "opencode": _SPEAKS},
        files={
            ".claude/.credentials.json": '{"claudeAiOauth": {"accessToken": "x"}}',
            ".codex/auth.json": '{"tokens": {"access_token": "x"}}',
            ".gemini/oauth_creds.json": '{"access_token": "x"}',
            ".local/share/opencode/auth.json": '{"anthropic": {"type": "api"}}',
        },
        says={
            "broker": (OK, "http://127.0.0.1:"),
            "token": (OK, "proxy token of workspace acme"),
            "claude": (OK, "2.1.332, stdio"),
            "claude login": (OK, ".credentials.json"),
            "codex": (OK, "0.171.0, stdio"),
            "codex login": (OK, "auth.json"),
            "gemini": (OK, "0.61.0, stdio"),
            "gemini login": (OK, "oauth_creds.json"),
            "opencode": (OK, "stdio"),
            "opencode login": (OK, "auth.json"),
        },
    ),
    "logged out": Machine(
        url="{broker}",
        token="nt_live_x",
        programs={**_ALL, "opencode": _SPEAKS, "qwen": _SAYS_LOGGED_OUT},
        says={
            "claude": (OK, "2.1.332"),
            "claude login": (WARNING, "not logged in: run `claude` and /login"),
            "codex login": (WARNING, "not logged in: run `codex login`"),
            "gemini login": (WARNING, "not logged in: run `gemini`"),
            "opencode login": (UNKNOWN, "unknown: it has models that need none"),
            "qwen": (OK, "3.2.1, stdio"),
            "qwen login": (WARNING, "says that its user is not logged in"),
        },
    ),
    "codex with a provider of its own, whose key is missing": Machine(
        programs={"codex": _version("0.171.0")},
        files={".codex/config.toml": 'model_provider = "own"\n[model_providers.own]\nenv_key = "OWN_KEY"\n'},
        says={"codex login": (WARNING, "its provider own asks for OWN_KEY, which is not set")},
    ),
    "keys in variables": Machine(
        programs=_ALL,
        variables={"ANTHROPIC_API_KEY": "x", "GEMINI_API_KEY": "x"},
        says={"claude login": (OK, "by ANTHROPIC_API_KEY"), "gemini login": (OK, "by GEMINI_API_KEY")},
    ),
    "a program that is another one of that name": Machine(
        programs={
            "goose": "#!/bin/sh\necho 'goose: no migrations' >&2\nexit 1\n",
            "copilot": "#!/bin/sh\nexec /bin/cat\n",
        },
        says={
            "goose": (PROBLEM, "ended with status 1: goose: no migrations"),
            "copilot": (PROBLEM, "gave no answer to `initialize` in 1 s"),
            "agents": (PROBLEM, "no agent program can be used"),
        },
    ),
    "behind a proxy, with a broker beyond it": Machine(
        url="http://broker.example",
        token="nt_live_x",
        variables={"http_proxy": "{broker}"},
        says={
            "proxy": (OK, "the broker is reached through http://127.0.0.1:"),
            "broker": (WARNING, "unencrypted"),
            "token": (OK, "workspace acme"),
        },
    ),
    "behind a proxy, with a broker here": Machine(
        url="{broker}",
        token="nt_live_x",
        variables={"http_proxy": _NOBODY, "https_proxy": _NOBODY},
        says={"proxy": (OK, "not used: the broker is on this machine"), "token": (OK, "workspace acme")},
    ),
    "behind a proxy that is not there": Machine(
        url="http://broker.example",
        variables={"http_proxy": _NOBODY},
        says={"broker": (PROBLEM, "check the URL, the network and the proxy")},
    ),
    "without a broker": Machine(
        token="nt_live_x",
        says={
            "broker": (PROBLEM, "is `relaycast up` running?"),
            "token": (WARNING, "nobody could be asked whether it is good"),
        },
    ),
    "without a token": Machine(
        url="{broker}", status=401, says={"broker": (OK, "http://"), "token": (PROBLEM, "set RELAYCAST_TOKEN")}
    ),
    "a token that is none": Machine(
        url="{broker}",
        status=401,
        token="nt_live_\ufeffx",
        programs=_ALL,
        says={"broker": (OK, "http://"), "token": (PROBLEM, "U+FEFF"), "claude": (OK, "2.1.332")},
    ),
}


async def lines(
    machine: Machine, folder: Path, monkeypatch: pytest.MonkeyPatch, *, broker: str, state: Path
) -> dict[str, Finding]:
    programs = folder / "programs"
    programs.mkdir(parents=True)
    for name, text in machine.programs.items():
        (programs / name).write_text(text)
        (programs / name).chmod(0o755)
    for name, text in machine.files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    _only(monkeypatch, {"HOME": str(folder), "PATH": str(programs), "RELAYCAST_CONFIG_DIR": str(folder / "none")})
    monkeypatch.setenv("RELAYCAST_DATA_DIR", str(folder / "data"))
    for name, value in machine.variables.items():
        monkeypatch.setenv(name, value.format(broker=broker))
    options = Options(url=machine.url.format(broker=broker), token=machine.token, insecure=True, state_dir=state)
    async with asyncio.timeout(60):
        return {finding.subject: finding for finding in await examine_options(options)}


def _only(monkeypatch: pytest.MonkeyPatch, variables: Mapping[str, str]) -> None:
    for name in os.environ:
        if name.lower() in _PROXIES or name.startswith((*_LOGINS, "RELAYCAST_", "SSL_CERT_")):
            monkeypatch.delenv(name)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)


@pytest.mark.parametrize("name", MACHINES)
async def test_every_line_is_true(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    machine = MACHINES[name]
    if "another one" in name:
        monkeypatch.setattr("connect.doctor.greeting._GREETING_S", 1.0)
    async with answering(machine.status, KNOWN if machine.status == 200 else REFUSED) as broker:
        said = await lines(machine, tmp_path / "home", monkeypatch, broker=broker, state=tmp_path / "state")
    for subject, (health, words) in machine.says.items():
        assert (said[subject].health, words in said[subject].text) == (health, True), said[subject]


async def test_a_state_folder_that_another_process_uses_is_not_well(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    state = StateFolder(tmp_path / "state")
    said = await lines(Machine(says={}), tmp_path / "home", monkeypatch, broker=_NOBODY, state=tmp_path / "state")
    state.close()
    assert said["link"].health is Health.WARNING
    assert "stop it, or choose another --state-dir" in said["link"].text


@pytest.mark.parametrize(("trusted", "health"), [(True, Health.OK), (False, Health.PROBLEM)])
async def test_a_private_authority_is_believed_on_this_machine_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, trusted: bool, health: Health
) -> None:
    authority = Authority(tmp_path)
    pair = authority.issue()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pair.cert, pair.key)
    variables = {"SSL_CERT_FILE": str(authority.file)} if trusted else {}
    async with answering(200, KNOWN, tls=context) as broker:
        machine = Machine(url="{broker}", token="nt_live_x", variables=variables, says={})
        said = await lines(machine, tmp_path / "home", monkeypatch, broker=broker, state=tmp_path / "state")
    assert said["broker"].health is health
    if not trusted:
        assert "is not trusted here" in said["broker"].text
        assert "relaycast up" not in said["broker"].text
