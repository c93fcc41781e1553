"""Which machine runs an agent."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from broker.domain.agents.agents import InstalledCli
from broker.domain.agents.stops import Stop
from broker.domain.errors import Conflict, NoPlacement, NotFound
from broker.domain.ids import MemberId, ProxyId, SessionId
from broker.domain.machines.load import ToldLoad
from broker.domain.machines.policy import MachinePolicy

MAX_MACHINES = 1000
"""Of one workspace; each costs a little at every placement."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Adoption:
    """Who is to own a machine as soon as it agrees."""

    by: MemberId | None
    """None: the workspace."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MachineSign:
    """The least that is said of a machine."""

    id: ProxyId
    name: str
    online: bool


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
    makes_worktrees: bool = False
    """Whether it can let an agent work in a git worktree of its own."""
    keeps_readonly: bool = False
    """Whether it can start an agent that changes nothing."""
    asks_writes: bool = False
    """Whether it can start one that asks for each change of a file, and starts no command."""
    owner: MemberId | None = None
    """The member it belongs to; None: the workspace, whose administrators own it."""
    owner_name: str | None = None
    """None, too, once its owner was removed."""
    orphaned: bool = False
    """Its owner was removed: it is not linked until it is adopted, and linked with a token of who adopted it."""
    adoption: Adoption | None = None
    """It was adopted, and was not linked so yet."""
    runs_hooks: bool = False
    """Whether its relay-connect knows hooks."""
    asks_hooks: bool = False
    """Whether it asks the hooks that its agents wait for."""
    runs_commands: bool = False
    """Whether it runs the commands of workflows."""
    awaits_files: bool = False
    """Whether it waits for files of theirs."""
    hashes_paths: bool = False
    """Whether it can say if protected files have changed."""
    takes_digests: bool = False
    """Whether it knows what its owner has allowed of a workflow by its hash alone."""
    stopped: Stop | None = None
    """Who has stopped it: nothing is started there until it is resumed."""
    load: ToldLoad | None = None
    """How busy it is, as it told last; None: an older relay-connect, which does not say, or one that has just come."""

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
    known = list(proxies)
    found = [p for p in known if p.id == reference] or [p for p in known if p.name == reference]
    if not found:
        raise NotFound(f"no machine {reference[:80]!r}", code="PROXY_NOT_FOUND")
    if len(found) > 1:
        raise _ambiguous(reference, found)
    return found[0]


def only_machine(proxies: Iterable[Proxy]) -> Proxy:
    """The machine of who names none: the only one that is connected, or that there is; it is waited for then.

    Raises `NoPlacement`, `Conflict` (MACHINE_NOT_CHOSEN).
    """
    known = list(proxies)
    if not known:
        raise NoPlacement("no machine is linked with this workspace: run relay-connect on one")
    online = [each for each in known if each.online]
    if len(online or known) == 1:
        return (online or known)[0]
    there = f"connected: {_list(online)}" if online else f"none is connected of {_list(known)}"
    raise Conflict(f"there are several machines: say on which one to run; {there}", code="MACHINE_NOT_CHOSEN")


def place(
    proxies: Iterable[Proxy],
    *,
    cli: str,
    machine: str | None,
    labels: Iterable[str],
    home: ProxyId | None = None,
    asker: MemberId | None = None,
    session: SessionId | None = None,
    owns: Callable[[Proxy], bool] = lambda _: False,
) -> Proxy:
    """Choose the machine: the one of that id or name; with labels the least busy one that has them all and a usable
    `cli`, one that is stopped last: what is started there is refused with who stopped it.

    An agent's `home` is where what it spawns goes when it names neither a machine nor labels, and goes first when it
    does. Who has no home and names neither has to choose where there is a choice: the only machine that is connected,
    else the only one that joined the `session`, is meant, and nothing else; of another session it must be the asker's
    (`owns`). Of machines of one name those of the `asker` are meant; where those of several others have it, none is:
    anybody who may link a machine can call it like another.

    Raises `Conflict` (MACHINE_AMBIGUOUS, MACHINE_NOT_CHOSEN), and `NoPlacement` (NO_PROXY, CLI_MISSING,
    VERSION_NOT_SUPPORTED; PROGRAM_NOT_ALLOWED, POLICY_CHANGED by its own policy) that says what is missing where.
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
    if machine is None and not wanted and home is None:
        matching = [_only(matching, session=session, owns=owns)]
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
    own = named if len({p.owner for p in named}) <= 1 else [p for p in named if p.owner == asker]
    # One of the same owner that is away may have been set up anew; two that are here are told apart by the asker alone.
    here = [p for p in own if p.online]
    if len(here) > 1 or (named and not own):
        raise _ambiguous(reference, here or named)
    return here or own


def _only(proxies: list[Proxy], *, session: SessionId | None, owns: Callable[[Proxy], bool]) -> Proxy:
    """The one that somebody means who names none. Raises `Conflict` (MACHINE_NOT_CHOSEN)."""
    joined = [p for p in proxies if session is None or p.session == session]
    if len(joined) == 1:
        return joined[0]
    if len(proxies) == 1 and owns(proxies[0]):
        return proxies[0]
    why = "several machines are connected" if joined else "no machine of this session is connected"
    raise Conflict(f"{why}: say on which one to run; connected: {_list(proxies)}", code="MACHINE_NOT_CHOSEN")


def _ambiguous(name: str, found: list[Proxy]) -> Conflict:
    ids = ", ".join(f"{p.id} ({p.owner_name or 'the workspace'})" for p in found[:10])
    return Conflict(
        f"several machines are called {name[:80]!r}; say which by its id: {ids}; `relay-connect --name` gives one"
        " another name",
        code="MACHINE_AMBIGUOUS",
    )


def _list(proxies: list[Proxy]) -> str:
    """Ten of them, by what each can be named by."""
    called = Counter(p.name for p in proxies)
    words = [f"{p.name}{f' (id {p.id})' if called[p.name] > 1 else ''}{_describe_labels(p)}" for p in proxies[:10]]
    return "; ".join(words) + (f"; and {len(proxies) - 10} more" if len(proxies) > 10 else "")


def _describe_labels(proxy: Proxy) -> str:
    return f" [{', '.join(proxy.labels)}]" if proxy.labels else ""


def _nowhere(online: list[Proxy], machine: str | None, labels: set[str], *, home: ProxyId | None) -> str:
    if machine is None and not labels and home is not None:
        return "your own machine is not connected; name another one with `machine`"
    asked = " and ".join(
        [
            *([f"called {machine!r}"] if machine else []),
            *([f"with labels {', '.join(sorted(labels))}"] if labels else []),
        ]
    )
    return f"no machine {asked} is connected; connected: {_list(online)}"


def _unable(matching: list[Proxy], cli: str) -> NoPlacement:
    names = ", ".join(p.name for p in matching[:5])
    for proxy in matching:
        if found := proxy.cli(cli):
            code = "VERSION_NOT_SUPPORTED" if found.version else "CLI_MISSING"
            return NoPlacement(f"{cli} cannot run on {proxy.name}: {found.problem or 'not supported'}", code=code)
    known = sorted({c.cli for p in matching for c in p.clis if c.supported})
    return NoPlacement(f"{cli!r} is not installed on {names}; there: {', '.join(known) or 'none'}", code="CLI_MISSING")
