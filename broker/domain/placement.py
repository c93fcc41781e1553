"""Which machine runs an agent."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from broker.domain.agents import InstalledCli
from broker.domain.errors import Conflict, NoPlacement, NotFound
from broker.domain.ids import MemberId, ProxyId, SessionId
from broker.domain.machine_policy import MachinePolicy
from broker.domain.stops import Stop

MAX_MACHINES = 1000
"""Of one workspace; each costs a little at every placement."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Adoption:
    """Who is to own a machine as soon as it agrees."""

    by: MemberId | None
    """None: the workspace."""


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
    policy: MachinePolicy | None = None
    """As it told; None: an older relay-connect, which has none."""
    owner: MemberId | None = None
    """The member it belongs to; None: the workspace, whose administrators own it."""
    owner_name: str | None = None
    """None, too, once its owner was removed."""
    orphaned: bool = False
    """Its owner was removed: it is not linked until it is adopted, and linked with a token of who adopted it."""
    adoption: Adoption | None = None
    """It was adopted, and was not linked so yet."""
    stopped: Stop | None = None
    """Who has stopped it: nothing is started there until it is resumed."""

    def cli(self, name: str) -> InstalledCli | None:
        """The installed program asked for as `name`."""
        return next((c for c in self.clis if c.cli == name), None)

    def refusal(self, cli: str) -> NoPlacement | None:
        """Why its own policy starts no agent of this kind, as far as it told. Where and for whom only it can say."""
        if self.policy is None:
            return None
        if self.policy.problem:
            return NoPlacement(f"{self.name}: {self.policy.problem}", code="POLICY_CHANGED")
        if self.policy.programs is not None and cli not in self.policy.programs:
            allowed = ", ".join(self.policy.programs) or "none"
            words = f"{self.name} starts {allowed}, not {cli}: that is its own policy (`relay-connect policy` there)"
            return NoPlacement(words, code="PROGRAM_NOT_ALLOWED")
        return None


def machine_named(proxies: Iterable[Proxy], reference: str) -> Proxy:
    """The machine of that id, else the only one of that name. Raises `NotFound`, `Conflict` (MACHINE_AMBIGUOUS)."""
    found = _meant(list(proxies), reference, asker=None)
    if not found:
        raise NotFound(f"no machine {reference[:80]!r}", code="PROXY_NOT_FOUND")
    if len(found) > 1:
        raise _ambiguous(reference, found)
    return found[0]


def place(
    proxies: Iterable[Proxy],
    *,
    cli: str,
    machine: str | None,
    labels: Iterable[str],
    home: ProxyId | None = None,
    asker: MemberId | None = None,
) -> Proxy:
    """Choose the machine: the one of that id or name, or one with all labels and a usable `cli`, the least busy.
    One that is stopped comes last: what is started there is refused with who stopped it.

    An agent's `home` is where what it spawns goes when it names neither a machine nor labels, and goes first when it
    does. Of machines of one name those of the `asker` are meant; where those of several others have it, none is:
    anybody who may link a machine can call it like another.

    Raises `Conflict` (MACHINE_AMBIGUOUS), and `NoPlacement` (NO_PROXY, CLI_MISSING, VERSION_NOT_SUPPORTED;
    PROGRAM_NOT_ALLOWED, POLICY_CHANGED by its own policy) that says what is missing where.
    """
    known = list(proxies)
    online = [p for p in known if p.online]
    if not online:
        raise NoPlacement("no machine is connected; run relay-connect on one")
    wanted = set(labels)
    meant = _meant(known, machine or (None if wanted else home), asker=asker)
    matching = [p for p in meant if p.online and wanted <= set(p.labels)]
    if not matching:
        raise NoPlacement(_nowhere(online, machine, wanted, home=home))
    able = [p for p in matching if (found := p.cli(cli)) and found.supported]
    if not able:
        raise _unable(matching, cli)
    willing = [p for p in able if p.refusal(cli) is None]
    if not willing:
        raise able[0].refusal(cli) or _unable(matching, cli)
    return min(willing, key=lambda p: (p.stopped is not None, p.id != home, p.agents, p.name, p.id))


def _meant(proxies: list[Proxy], reference: str | None, *, asker: MemberId | None) -> list[Proxy]:
    """Those that a reference means: the one of that id, else those of that name; without one, all."""
    if reference is None:
        return proxies
    if by_id := [p for p in proxies if p.id == reference]:
        return by_id
    named = [p for p in proxies if p.name == reference]
    if len({p.owner for p in named}) <= 1:
        return named
    own = [p for p in named if p.owner == asker]
    if not own:
        raise _ambiguous(reference, named)
    return own


def _ambiguous(name: str, found: list[Proxy]) -> Conflict:
    ids = ", ".join(f"{p.id} ({p.owner_name or 'the workspace'})" for p in found[:10])
    return Conflict(f"several machines are called {name[:80]!r}; say which by its id: {ids}", code="MACHINE_AMBIGUOUS")


def _nowhere(online: list[Proxy], machine: str | None, labels: set[str], *, home: ProxyId | None) -> str:
    if machine is None and not labels and home is not None:
        return "your own machine is not connected; name another one with `machine`"
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
