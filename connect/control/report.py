"""A link's state in words."""

from __future__ import annotations

from pathlib import Path

from connect.control.messages import State

_MINUTE_S, _HOUR_S, _DAY_S = 60, 3600, 86400


def state_lines(state: State, *, state_dir: Path) -> list[str]:
    """What `relay-connect status` prints of the link of this state folder."""
    link = "linked with" if state.connected else "not connected to"
    lines = [
        f"✓ {state.name} is {link} {state.url}, for {_span(state.up_s)} (process {state.pid}, version {state.version})"
    ]
    agents = ", ".join(f"{agent.name} ({agent.cli}{_pid(agent.pid)})" for agent in state.agents)
    lines.append(f"  agents     {agents or 'none'}")
    terminals = ", ".join(f"process {terminal.pid} in {terminal.folder}" for terminal in state.terminals)
    lines.append(f"  terminals  {terminals or 'none'}")
    lines.append(f"  ends       {_end(state)}")
    lines.append(f"  state      {state_dir}")
    if state.metrics_port is not None:
        lines.append(f"  metrics    http://127.0.0.1:{state.metrics_port}/metrics")
    return lines + ([f"  log        {state.log}"] if state.log else [])


def _pid(pid: int | None) -> str:
    return "" if pid is None else f", process {pid}"


def _end(state: State) -> str:
    if state.headless:
        return "by a signal or `relay-connect stop`: it runs without a terminal"
    if state.kept:
        return "by `relay-connect stop`: it was kept in the background"
    return "when its last terminal leaves and does not keep it"


def _span(seconds: float) -> str:
    for unit_s, unit in ((_DAY_S, "d"), (_HOUR_S, "h"), (_MINUTE_S, "min")):
        if seconds >= unit_s:
            return f"{seconds / unit_s:.0f} {unit}"
    return f"{seconds:.0f} s"
