from __future__ import annotations

import subprocess
import sys


def test_the_proxy_needs_none_of_the_servers_libraries() -> None:
    script = (
        "import sys\n"
        "for name in ('redis', 'starlette', 'uvicorn', 'mcp', 'strawberry'): sys.modules[name] = None\n"
        "import connect.cli, connect.doctor, connect.serving.foreground\n"
        "import connect.machine.bridges.acp, connect.machine.bridges.claude, connect.machine.bridges.codex\n"
    )
    subprocess.run([sys.executable, "-c", script], check=True, timeout=30)


def test_a_headless_start_loads_neither_terminal_nor_http_client() -> None:
    script = (
        "import sys, connect.cli, connect.serving.foreground\n"
        "print([name for name in ('rich', 'prompt_toolkit', 'httpx') if name in sys.modules])\n"
    )
    done = subprocess.run([sys.executable, "-c", script], check=True, timeout=30, capture_output=True, text=True)
    assert done.stdout == "[]\n"


def test_a_terminal_loads_nothing_of_the_link_that_runs_beside_it_nor_of_rules() -> None:
    others = ("connect.machine.link", "connect.machine.proxy", "connect.policy.gate", "connect.serving.link_host")
    rules = ("broker.domain.approvals.rules", "broker.domain.people.access", "broker.protocol.hooks_yaml.reader")
    script = (
        "import sys, connect.cli, connect.serving.foreground, connect.serving.attending\n"
        f"print([name for name in {(*others, *rules)!r} if name in sys.modules])\n"
        f"import {', '.join((*others, *rules))}\n"  # there are such modules
    )
    done = subprocess.run([sys.executable, "-c", script], check=True, timeout=30, capture_output=True, text=True)
    assert done.stdout == "[]\n"
