"""What a person sees, line by line: the screens lie in `screens/`, at two widths. Real links, terminals and programs.

`python -m tests.e2e.test_screens` takes them anew; read the difference before it is committed.
"""

from __future__ import annotations

import asyncio
import json
import re
import sys
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.e2e.box import LIVES_S, Box, a_box
from tests.fixtures.person import Person
from tests.fixtures.processes import Running, client, up

SCREENS = Path(__file__).parent / "screens"
ROWS = 250
"""So high that nothing scrolls away."""
WIDTHS = (80, 120)
_HOME = "/home/of/the/people"
_DEMO = [sys.executable, "-m", "connect.demo.agent"]
_CONFIG = "".join(
    f'[agents.{cli}]\ncommand = {json.dumps(_DEMO)}\ndialect = "acp"\nany_version = true\n'
    for cli in ("claude", "codex")
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Seat:
    """A person at one machine, and somebody at another one of the same session."""

    person: Person
    box: Box
    broker: Running

    async def says(self, line: str, *answers: str) -> None:
        """Type a line, once the screen is ready for it, and wait for what comes of it."""
        await self.person.shows(lambda lines: next(line for line in reversed(lines[:-1]) if line) == "relay>")
        self.person.types(f"{line}\r")
        for answer in answers:
            await self.person.sees(answer)


async def _tic_tac_toe(seat: Seat) -> None:
    await seat.says("Play tic-tac-toe with a Codex agent", "✓ Lead connected", "Good game. It's a draw.", "is over.")
    await _settled(seat)


async def _languages(seat: Seat) -> None:
    """Answered in the words of the question: Persian with its half spaces, Japanese, emoji of several code points."""
    for words in ("می‌خواهم نامه‌ای بنویسم", "日本語のログを検索してください", "👩‍💻 fixes 🏴󠁧󠁢󠁥󠁮󠁧󠁿 and 🇯🇵 👍🏽"):
        await seat.says(f"say {words}", f"│ {words}")
    await _settled(seat)


async def _questions(seat: Seat) -> None:
    await seat.says("ask permission: rm -rf build", "asks to run a command")
    await seat.says("deny keep the cache", "denied by", "│ I must not run")
    await seat.says("ask question: Which database? SQLite | Postgres", "has a question")
    await seat.says("answer 2", "│ The answer is: Postgres")
    await _settled(seat)


async def _two_machines(seat: Seat) -> None:
    async with client(seat.broker) as relay:
        machines = await relay.proxies()
        other = next(each for each in machines if each.name == "box-b")
        await seat.says("spawn Near codex say I am near", "│ I am near")
        await seat.says(f"spawn Far codex say I am far --on {other.name}", "│ I am far")
        await seat.says("agents", "Far", "box-b")
        await seat.says("machines", "box-b")
        await _settled(seat)


async def _settled(seat: Seat) -> None:
    """All who work are done, and that is seen."""
    await seat.person.shows(lambda lines: re.search(r"\b(is|are) idle\b", lines[-1]) is not None)


STORIES: dict[str, Callable[[Seat], Awaitable[None]]] = {
    "tic-tac-toe": _tic_tac_toe,
    "languages": _languages,
    "questions": _questions,
    "two-machines": _two_machines,
}


@asynccontextmanager
async def _seat(folder: Path, *, columns: int) -> AsyncIterator[Seat]:
    async with (
        up(folder) as broker,
        a_box(broker, folder, "box-a", config=_CONFIG) as box,
        a_box(broker, folder, "box-b", config=_CONFIG) as other,
        other.person("elsewhere") as another,
    ):
        await another.sees("relay>")
        async with box.person("project", rows=ROWS, columns=columns) as person:
            await person.sees("relay>")
            yield Seat(person=person, box=box, broker=broker)


async def screen_of(story: str, *, columns: int) -> str:
    """What stands on the terminal when a story has been told, without what differs each time."""
    with tempfile.TemporaryDirectory(dir="/tmp", prefix="people", ignore_cleanup_errors=True) as folder:
        async with asyncio.timeout(LIVES_S), _seat(Path(folder), columns=columns) as seat:
            await STORIES[story](seat)
            return "\n".join(_constant(seat.person.display, seat)) + "\n"


def _constant(lines: list[str], seat: Seat) -> list[str]:
    text = re.sub(r"\n{4,}", "\n\n\n", "\n".join(lines))
    for seen, instead in ((seat.broker.url.partition("://")[2], "broker.local:80"), (str(seat.box.home.parent), _HOME)):
        assert len(seen) == len(instead)  # or lines would be broken elsewhere
        text = text.replace(seen, instead)
    text = re.sub(r"(approve|deny|answer) [0-9a-f]{4}\b", r"\1 f3a2", text)
    text = re.sub(r"/session/[0-9a-f]{32}", "/session/ID", text)
    text = re.sub(r"\(\d+(\.\d+)? (ms|s)\)", "(TIME)", text)
    text = re.sub(r"(─+) #(\d+) ─┘", lambda found: "─" * (len(found[0]) - 6) + " #N ─┘", text)
    return _sorted_ends(re.sub(r"· #\d+", "· #N", text)).split("\n")


def _sorted_ends(text: str) -> str:
    """Two agents that are done say so in either order."""
    blocks = text.split("\n\n")
    ends = [place for place, block in enumerate(blocks) if re.search(r"Good game\. It's|The game is over", block)]
    for place, block in zip(ends, sorted(blocks[place].replace("\nrelay>", "") for place in ends), strict=True):
        blocks[place] = block
    return "\n\n".join(blocks)


@pytest.mark.parametrize("columns", WIDTHS)
@pytest.mark.parametrize("story", STORIES)
async def test_the_screen_is_as_it_is_drawn(story: str, columns: int) -> None:
    drawn = (SCREENS / f"{story}-{columns}.txt").read_text(encoding="utf-8")
    assert await screen_of(story, columns=columns) == drawn


async def _take() -> None:
    SCREENS.mkdir(exist_ok=True)
    for story in sys.argv[1:] or STORIES:
        for columns in WIDTHS:
            seen = await screen_of(story, columns=columns)
            (SCREENS / f"{story}-{columns}.txt").write_text(seen, encoding="utf-8")
            print(f"{story} at {columns} columns: {seen.count(chr(10))} lines")


if __name__ == "__main__":
    asyncio.run(_take())
