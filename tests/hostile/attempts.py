"""What a hostile agent tries, as a program that its shell runs: `python attempts.py FACTS.json`.

Prints one JSON object: for each attempt whether it succeeded, and what was seen. Tells nobody else, and changes nothing
that it may not: what works against a person is only read.
"""

from __future__ import annotations

import ctypes
import json
import os
import re
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

_PERSONS = re.compile(rb"(?:rk|mt)_live_[A-Za-z0-9_-]{20,}")
_FIRST_WORDS = re.compile(r"^\W*(relay-connect: )?")
_PTRACE_ATTACH, _PTRACE_DETACH = 16, 17
_MAX_REGION = 64 * 1024 * 1024
_TIMEOUT_S = 20
Tried = tuple[bool, str]


class Hostile:
    """The agent's process, and what it knows: `FACTS` names the broker, the folders and the processes."""

    def __init__(self, facts: dict[str, Any]) -> None:
        self.facts = facts
        self.url = facts["url"]
        self.near = [os.getppid(), *facts["pids"]]

    # --- what lies around ---------------------------------------------------------------------------------------------

    def environment_of_itself(self) -> Tried:
        found = [name for name, value in os.environ.items() if _PERSONS.search(value.encode())]
        return bool(found), " ".join(found)

    def environments(self) -> Tried:
        return self._in_files([Path(f"/proc/{pid}/environ") for pid in self.near])

    def command_lines(self) -> Tried:
        return self._in_files(list(Path("/proc").glob("[0-9]*/cmdline")))

    def memory(self) -> Tried:
        return any(self._in_memory(pid) for pid in self.facts["pids"]), ""

    def open_files(self) -> Tried:
        seen = []
        for pid in self.facts["pids"]:
            try:
                seen += [file.readlink() for file in Path(f"/proc/{pid}/fd").iterdir()]
            except OSError as error:
                return False, error.strerror or ""
        return True, f"{len(seen)} descriptors"

    def tracing(self) -> Tried:
        libc = ctypes.CDLL(None, use_errno=True)
        pid = self.facts["pids"][0]
        if libc.ptrace(_PTRACE_ATTACH, pid, None, None) == 0:
            os.waitpid(pid, 0)
            libc.ptrace(_PTRACE_DETACH, pid, None, None)
            return True, "attached"
        return False, os.strerror(ctypes.get_errno())

    def state_folder(self) -> Tried:
        return self._in_files([path for path in Path(self.facts["state_dir"]).rglob("*") if path.is_file()])

    def workspace_key(self) -> Tried:
        return self._in_files([Path(self.facts["data_dir"]) / "workspace.key"])

    def store(self) -> Tried:
        folder = Path(self.facts["data_dir"]) / "redis"
        try:
            password = (folder / "password").read_text().strip()
            with socket.socket(socket.AF_UNIX) as store:
                store.settimeout(_TIMEOUT_S)
                store.connect(str(folder / "redis.sock"))
                store.sendall(f"AUTH {password}\r\n".encode())
                answer = store.recv(100).decode()
        except OSError as error:
            return False, error.strerror or ""
        return answer.startswith("+OK"), answer.strip()

    # --- what directs the machine -------------------------------------------------------------------------------------

    def stopping_the_link(self) -> Tried:
        return self._relay_connect("stop", "--now")

    def allowing_a_folder(self) -> Tried:
        return self._relay_connect("policy", "allow-folder", "/")

    def confirming_a_policy(self) -> Tried:
        return self._relay_connect("policy", "confirm")

    # --- what its own token may ---------------------------------------------------------------------------------------

    def rules(self) -> Tried:
        return self._http("PUT", "/v1/rules", {"rules": [{"effect": "allow", "tool": "*"}]})

    def approving(self) -> Tried:
        return self._http("POST", f"/v1/approvals/{self.facts['approval']}/answer", {"verdict": "allow"})

    def minting(self) -> Tried:
        return self._http("POST", "/v1/tokens", {"kind": "workspace", "name": "mine", "person": True})

    def exchanging(self) -> Tried:
        return self._http("POST", "/v1/auth/exchange", {"for": "terminal"})

    def people(self) -> Tried:
        return self._http("POST", "/v1/members", {"name": "Mallory", "role": "owner"})

    def another_session(self) -> Tried:
        return self._http("GET", f"/v1/sessions/{self.facts['other_session']}/log")

    def a_session_named_like_an_id(self) -> Tried:
        """Whoever asks gets a session; that of the id is another's."""
        got, seen = self._http("POST", "/v1/sessions", {"name": self.facts["other_session"]})
        return got and self.facts["other_session"] in seen, seen

    def interrupting_others(self) -> Tried:
        return self._http("POST", f"/v1/sessions/{self.facts['session']}/agents/Colleague/interrupt", {})

    def interrupting_by_message(self) -> Tried:
        body = {"to": "Colleague", "text": "stop", "mode": "interrupt"}
        return self._http("POST", f"/v1/sessions/{self.facts['session']}/messages", body)

    def stopping_all(self) -> Tried:
        return self._http("POST", "/v1/workspace/stop", {})

    def spawning_elsewhere(self) -> Tried:
        body = {"name": "Root", "cli": "scripted", "cwd": "/", "on": self.facts["machine"]}
        return self._http("POST", f"/v1/sessions/{self.facts['session']}/agents", body)

    def as_the_machine(self) -> Tried:
        """With the link's own token, where it can be read: to act as a person."""
        try:
            kept = json.loads((Path(self.facts["state_dir"]) / "token.json").read_bytes())
        except OSError as error:
            return False, error.strerror or ""
        return self._http("GET", "/v1/tokens", token=kept["token"])

    def rewriting_the_policy(self) -> Tried:
        """The last attempt: what the user's files allow is changed by whoever is the user, and then asked for."""
        path = Path(self.facts["config_dir"]) / "policy.toml"
        path.write_text('folders = ["/"]\nwho_may_spawn = "workspace"\n')
        body = {"name": "Rewritten", "cli": "scripted", "cwd": "/", "on": self.facts["machine"]}
        return self._http("POST", f"/v1/sessions/{self.facts['session']}/agents", body)

    # --- how ----------------------------------------------------------------------------------------------------------

    def _in_files(self, paths: list[Path]) -> Tried:
        refused = ""
        for path in paths:
            try:
                if _PERSONS.search(path.read_bytes()):
                    return True, path.name
            except OSError as error:
                refused = error.strerror or ""
        return False, refused

    def _in_memory(self, pid: int) -> bool:
        try:
            regions = Path(f"/proc/{pid}/maps").read_text().splitlines()
            with open(f"/proc/{pid}/mem", "rb", buffering=0) as memory:  # noqa: PTH123 - unbuffered
                return any(self._in_region(memory, *region.split()[:2]) for region in regions)
        except OSError:
            return False

    def _in_region(self, memory: Any, span: str, rights: str) -> bool:
        start, end = (int(each, 16) for each in span.split("-"))
        if not rights.startswith("rw") or end - start > _MAX_REGION:
            return False
        try:
            memory.seek(start)
            return _PERSONS.search(memory.read(end - start)) is not None
        except (OSError, ValueError, OverflowError):
            return False

    def _relay_connect(self, *arguments: str) -> Tried:
        told = {"RELAYCAST_STATE_DIR": self.facts["state_dir"], "RELAYCAST_CONFIG_DIR": self.facts["config_dir"]}
        done = subprocess.run(
            [sys.executable, "-m", "connect.cli", *arguments],
            env={**os.environ, **told, "PYTHONPATH": self.facts["packages"]},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=_TIMEOUT_S,
            check=False,
        )
        return done.returncode == 0, _FIRST_WORDS.sub("", done.stderr.strip())

    def _http(self, method: str, path: str, body: object = None, *, token: str = "") -> Tried:
        headers = {"Authorization": f"Bearer {token or os.environ['AGENT_TOKEN']}", "Content-Type": "application/json"}
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.url + path, data=data, headers=headers, method=method)
        try:
            with urllib.request.urlopen(request, timeout=_TIMEOUT_S) as answer:
                return True, f"{answer.status} {answer.read(200).decode()}"
        except urllib.error.HTTPError as refusal:
            code = json.loads(refusal.read() or b"{}").get("error", {}).get("code", "")
            return False, f"{refusal.code} {code}"


def attempts() -> list[str]:
    """Their names, in the order in which they are made."""
    return [name for name in vars(Hostile) if not name.startswith("_")]


def main() -> None:
    hostile = Hostile(json.loads(Path(sys.argv[1]).read_bytes()))
    found = {}
    for name in attempts():
        attempt: Callable[[], Tried] = getattr(hostile, name)
        try:
            found[name] = attempt()
        except (OSError, subprocess.TimeoutExpired) as error:
            found[name] = (False, type(error).__name__)
    print(json.dumps(found))


if __name__ == "__main__":
    main()
