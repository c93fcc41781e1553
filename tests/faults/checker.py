"""The verdict on a history: what was lost, doubled, out of order or left lying. Pure: facts in, verdict out."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from broker.domain.logs.events import Cursor, goes_on_from
from tests.faults.facts import Accepted, Approval, Followed, History, Logged, Prompted, Seen, ToldReset

ANSWERED, UNDELIVERABLE = "answered", "undeliverable"
_SHOWN = 5
"""Examples in a sentence: a broken run may have thousands."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """What became of some messages. Everything but `accepted`, `reported` and the times has to be empty."""

    accepted: int = 0
    reported: int = 0
    """Undeliverable, with a reason: the promise is kept."""
    lost: tuple[str, ...] = ()
    """Called answered, or not known any more, and no agent ever read it."""
    doubled: tuple[str, ...] = ()
    """Given to the model more than once."""
    out_of_order: tuple[str, ...] = ()
    """Read before an earlier message of the same sender to the same agent."""
    stuck: tuple[str, ...] = ()
    """Accepted, and neither answered nor reported."""
    slowest_accept_s: float | None = None
    slowest_delivery_s: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """The accounts of all faults, and every sentence about what is wrong."""

    phases: dict[str, Account]
    total: Account
    problems: tuple[str, ...] = field(default=())

    @property
    def is_clean(self) -> bool:
        """Whether nothing at all is wrong."""
        return not self.problems


def judge(history: History) -> Verdict:
    """Check everything that is known against everything that is promised."""
    total = account(history.accepted, history)
    by_phase: dict[str, list[Accepted]] = defaultdict(list)
    for each in history.accepted:
        by_phase[each.phase].append(each)
    return Verdict(
        phases={phase: account(messages, history) for phase, messages in by_phase.items()},
        total=total,
        problems=(
            *_of_account(total),
            *_strangers(history),
            *check_log(history.log, history),
            *check_readers(history.readers),
            *check_approvals(history.approvals),
            *(
                f"{name}: a good request was refused for good: {count} times {status} {code}"
                for (name, status, code), count in Counter(
                    (r.phase, r.status, r.code) for r in history.refusals
                ).items()
            ),
            *(f"{end.phase}: {end.process} ended by itself with {end.status}" for end in history.ends),
            *(f"left running: {orphan}" for orphan in history.orphans),
            *history.remarks,
        ),
    )


def account(messages: Sequence[Accepted], history: History) -> Account:
    """What became of these messages."""
    reads = Counter(prompt.message for prompt in history.prompted)
    first = _first_read(history.prompted)
    states = {each.message: each.state for each in history.settled.values()}
    owed = [m for m in messages if m.kept]
    read = [m for m in messages if m.id in first]
    return Account(
        accepted=len(messages),
        reported=sum(states.get(m.id) == UNDELIVERABLE for m in messages),
        lost=tuple(m.id for m in owed if not reads[m.id] and states.get(m.id) == ANSWERED),
        doubled=tuple(m.id for m in messages if reads[m.id] > 1),
        out_of_order=_out_of_order(read, first),
        stuck=tuple(m.id for m in owed if m.id not in states),
        slowest_accept_s=max((m.accepted_at - m.called_at for m in messages), default=None),
        slowest_delivery_s=max((first[m.id] - m.accepted_at for m in read), default=None),
    )


def _first_read(prompts: Iterable[Prompted]) -> dict[str, float]:
    first: dict[str, float] = {}
    for prompt in prompts:
        first[prompt.message] = min(prompt.at, first.get(prompt.message, prompt.at))
    return first


def _out_of_order(read: Iterable[Accepted], first: dict[str, float]) -> tuple[str, ...]:
    """Messages that were read before one that the same sender had sent earlier to the same agent."""
    ways: dict[tuple[str, str], list[Accepted]] = defaultdict(list)
    for message in read:
        ways[message.sender, message.recipient].append(message)
    early = []
    for way in ways.values():
        latest = float("-inf")
        for message in sorted(way, key=lambda m: m.number):
            if first[message.id] < latest:
                early.append(message.id)
            latest = max(latest, first[message.id])
    return tuple(early)


def _of_account(total: Account) -> list[str]:
    found = {
        "lost": total.lost,
        "given twice": total.doubled,
        "out of order": total.out_of_order,
        "neither answered nor reported": total.stuck,
    }
    return [f"{len(ids)} {what}: {_some(ids)}" for what, ids in found.items() if ids]


def _strangers(history: History) -> list[str]:
    """A sender repeats its call until it is told, so in the end it knows every message that there is."""
    known = {each.id for each in history.accepted}
    strange = sorted({prompt.message for prompt in history.prompted} - known)
    return [f"{len(strange)} read that nobody knows to be accepted: {_some(strange)}"] if strange else []


def check_log(log: Sequence[Logged], history: History) -> list[str]:
    """The log has no hole, and says of messages what everybody else says."""
    if not log:
        return []
    problems = []
    holes = _holes(log, _fragments(history.readers))
    if holes:
        problems.append(f"{len(holes)} holes in the log: {_some(holes)}")
    told = Counter(event.message for event in log if event.kind == "message.accepted")
    kept = {m.id for m in history.accepted if m.kept}
    missing = sorted(kept - told.keys())
    if missing:
        problems.append(f"{len(missing)} accepted that the log does not have: {_some(missing)}")
    twice = sorted(str(message) for message, count in told.items() if count > 1)
    if twice:
        problems.append(f"{len(twice)} accepted more than once in the log: {_some(twice)}")
    answered = {event.message for event in log if event.kind == "message.receipt" and event.state == ANSWERED}
    unsaid = sorted(m for m, each in history.settled.items() if each.state == ANSWERED and m not in answered)
    unsaid = [m for m in unsaid if m in kept]
    if unsaid:
        problems.append(f"{len(unsaid)} answered that the log does not know: {_some(unsaid)}")
    return problems


def _fragments(readers: dict[str, list[Followed]]) -> set[tuple[str, int]]:
    return {(i.epoch, i.offset) for items in readers.values() for i in items if isinstance(i, Seen) and i.transient}


def _holes(log: Sequence[Logged], fragments: set[tuple[str, int]]) -> list[str]:
    """Offsets of an epoch that are not there and were no fragments; a log begins at 1."""
    holes = []
    epoch, expected = log[0].epoch, 1
    for event in log:
        if event.epoch != epoch:
            epoch, expected = event.epoch, event.offset
        holes += [
            f"{epoch}:{missing}" for missing in range(expected, event.offset) if (epoch, missing) not in fragments
        ]
        if event.offset < expected:
            holes.append(f"{epoch}:{event.offset} again")
        expected = event.offset + 1
    return holes


def check_readers(readers: dict[str, list[Followed]]) -> list[str]:
    """Every live reader had every event once and in order, unless it was told that history is gone."""
    problems = [problem for name, items in readers.items() for problem in _check_reader(name, items)]
    bodies: dict[tuple[str, int], set[int]] = defaultdict(set)
    for items in readers.values():
        for item in items:
            if isinstance(item, Seen):
                bodies[item.epoch, item.offset].add(item.body)
    twice = sorted(f"{epoch}:{offset}" for (epoch, offset), found in bodies.items() if len(found) > 1)
    if twice:
        problems.append(f"{len(twice)} numbers stand for more than one event: {_some(twice)}")
    return problems


def _check_reader(name: str, items: Sequence[Followed]) -> list[str]:
    problems = []
    last: Seen | None = None
    for item in items:
        match item:
            case ToldReset():
                last = None
            case Seen() if last is not None and not _follows(item, last):
                problems.append(f"{name}: {item.epoch}:{item.offset} came after {last.epoch}:{last.offset}")
                last = item
            case Seen():
                last = item
    return [f"{problems[0]} (and {len(problems) - 1} more)"] if len(problems) > 1 else problems


def _follows(item: Seen, last: Seen) -> bool:
    """In the same epoch, or in one that goes on from there."""
    head, place = Cursor(item.epoch, item.offset), Cursor(last.epoch, last.offset)
    return item.offset == last.offset + 1 and goes_on_from(head, place)


def check_approvals(approvals: Sequence[Approval]) -> list[str]:
    """The first answer wins, alone, and reaches the agent once."""
    problems = []
    for each in approvals:
        if each.wins > 1:
            problems.append(f"{each.wins} answers to the question {each.key} were told that they had won")
        if each.heard > 1:
            problems.append(f"the agent got {each.heard} answers to the question {each.key}")
        if each.status == "allowed" and not each.heard and each.lived_on:
            problems.append(f"the question {each.key} is called allowed and the agent was never told")
        if each.status == "pending":
            problems.append(f"the question {each.key} is still open")
    return problems


def _some(ids: Sequence[str]) -> str:
    shown = ", ".join(ids[:_SHOWN])
    return f"{shown}, …" if len(ids) > _SHOWN else shown
