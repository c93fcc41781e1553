"""Which machine runs an agent."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from broker.domain.agents import InstalledCli
from broker.domain.errors import NoPlacement
from broker.domain.ids import ProxyId, SessionId

MAX_MACHINES = 1000
"""Of one workspace; each costs a little at every placement."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Proxy:
    """One machine's relay-connect as the registry knows it."""

    id: ProxyId
    name: str
    labels: tuple[str, ...]
    clis: tuple[InstalledCli, ...]
    version: str
    online: bool
    session: SessionId | None
    agents: int
    since_ms: int

    def cli(self, name: str) -> InstalledCli | None:
        """The installed program asked for as `name`."""
        return next((c for c in self.clis if c.cli == name), None)


def place(
    proxies: Iterable[Proxy],
    *,
    cli: str,
    machine: str | None,
    labels: Iterable[str],
    prefer: ProxyId | None = None,
) -> Proxy:
    """Choose the machine: the one of that id or name, or one with all labels and a usable `cli`; the spawner's own
    first, then the least busy.

    Raises `NoPlacement` (NO_PROXY, CLI_MISSING, VERSION_NOT_SUPPORTED) that says what is missing where.
    """
    known = list(proxies)
    online = [p for p in known if p.online]
    if not online:
        raise NoPlacement("no machine is connected; run relay-connect on one")
    wanted = set(labels)
    matching = [p for p in _meant(known, machine) if p.online and wanted <= set(p.labels)]
    if not matching:
        raise NoPlacement(_nowhere(online, machine, wanted))
    able = [p for p in matching if (found := p.cli(cli)) and found.supported]
    if not able:
        raise _unable(matching, cli)
    return min(able, key=lambda p: (p.id != prefer, p.agents, p.name, p.id))


def _meant(proxies: list[Proxy], machine: str | None) -> list[Proxy]:
    """Those that a reference means: the one with that id, else those with that name; without one, all."""
    if machine is None:
        return proxies
    return [p for p in proxies if p.id == machine] or [p for p in proxies if p.name == machine]


def _nowhere(online: list[Proxy], machine: str | None, labels: set[str]) -> str:
    asked = " and ".join(
        [
            *([f"called {machine!r}"] if machine else []),
            *([f"with labels {', '.join(sorted(labels))}"] if labels else []),
        ]
    )
    here = "; ".join(f"{p.name} [{', '.join(p.labels)}]" for p in online[:10])
    return f"no machine {asked} is connected; connected: {here}"


def _unable(matching: list[Proxy], cli: str) -> NoPlacement:
    names = ", ".join(p.name for p in matching[:5])
    for proxy in matching:
        if found := proxy.cli(cli):
            code = "VERSION_NOT_SUPPORTED" if found.version else "CLI_MISSING"
            return NoPlacement(f"{cli} cannot run on {proxy.name}: {found.problem or 'not supported'}", code=code)
    known = sorted({c.cli for p in matching for c in p.clis if c.supported})
    return NoPlacement(f"{cli!r} is not installed on {names}; there: {', '.join(known) or 'none'}", code="CLI_MISSING")
