"""The machines of the workspace, as far as this terminal may know them: where agents can run, and which. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from connect.sdk.types import Proxy


class Places:
    """What can be named after `--on`, and as a program to spawn."""

    def __init__(self) -> None:
        self.machines: set[str] = set()
        self.clis: set[str] = set()
        self._installed: dict[str, list[str]] = {}

    def learn(self, proxies: Iterable[Proxy]) -> None:
        """Take over the broker's list."""
        known = list(proxies)
        self.machines = {proxy.name for proxy in known}
        self.clis = {found.cli for proxy in known for found in proxy.clis}
        for proxy in known:
            installed = [found.cli for found in proxy.clis if found.supported]
            self._installed |= {proxy.id: installed, proxy.name: installed}

    def list_installed(self, machine: str | None) -> list[str]:
        """The programs that can be started on a machine, by its name or id; on any of them for None."""
        if machine is not None:
            return self._installed.get(machine, [])
        return sorted({cli for clis in self._installed.values() for cli in clis})
