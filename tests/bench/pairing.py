"""Two versions measured in turns: how their figures compare, and which differences are more than noise. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median

from tests.bench.figures import Section
from tests.bench.report import shown

_LEAST_NOISE = 0.03
"""Nobody notices less, and memory hardly differs from round to round."""
_EXPLAINED = (
    "Both versions measured in turns on this machine; each figure is the median of its rounds, with their range. Noise "
    "is the larger of the two versions' own spreads, (highest - lowest) / median, and no less than "
    f"{100 * _LEAST_NOISE:.0f} %. Worse: changed for the worse by more. CPU: of the processes that are named, for the "
    "whole of a measure's work."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """One figure of both versions, in the order of the rounds."""

    name: str
    before: Sequence[float]
    after: Sequence[float]
    higher_is_better: bool

    @property
    def ratio(self) -> float:
        """After to before, of the medians."""
        return median(self.after) / median(self.before)

    @property
    def noise(self) -> float:
        """How far rounds of one and the same version lie apart, as a part of their median."""
        return max(_LEAST_NOISE, _spread(self.before), _spread(self.after))

    @property
    def worsening(self) -> float:
        """By which part it became worse; negative when it became better."""
        return 1 / self.ratio - 1 if self.higher_is_better else self.ratio - 1

    @property
    def is_worse(self) -> bool:
        """Whether it became worse by more than noise; with one round there is no noise to be known."""
        return min(len(self.before), len(self.after)) > 1 and self.worsening > self.noise

    @property
    def verdict(self) -> str:
        """In words."""
        if min(len(self.before), len(self.after)) < 2:
            return "one round"
        if self.is_worse:
            return "WORSE by more than noise"
        improvement = self.ratio - 1 if self.higher_is_better else 1 / self.ratio - 1
        return "better" if improvement > self.noise else "same"


def _spread(rounds: Sequence[float]) -> float:
    return (max(rounds) - min(rounds)) / median(rounds)


def paired(
    before: Sequence[Mapping[str, float]], after: Sequence[Mapping[str, float]], *, higher_is_better: frozenset[str]
) -> list[Pair]:
    """Figures that both versions gave in every round, in the order of the first."""
    shared = [name for name in before[0] if all(name in each and each[name] > 0 for each in (*before, *after))]
    return [
        Pair(
            name=name,
            before=[each[name] for each in before],
            after=[each[name] for each in after],
            higher_is_better=name in higher_is_better,
        )
        for name in shared
    ]


def section(pairs: Sequence[Pair], *, names: tuple[str, str]) -> Section:
    """The table."""
    return Section(
        title=f"{names[0]} and {names[1]}",
        explained=_EXPLAINED,
        head=("figure", names[0], names[1], "ratio", "noise", "verdict"),
        rows=[
            (p.name, _with_range(p.before), _with_range(p.after), p.ratio, f"{100 * p.noise:.0f} %", p.verdict)
            for p in pairs
        ],
    )


def _with_range(rounds: Sequence[float]) -> str:
    return f"{shown(float(median(rounds)))} ({shown(float(min(rounds)))} … {shown(float(max(rounds)))})"
