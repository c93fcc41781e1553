"""What every fuzzer shares: its part of the time, a mutator that a seed repeats, a watchdog and a bound on memory.

`RELAYCAST_FUZZ_S` is the time for all fuzzers together (a minute), `RELAYCAST_FUZZ_SEED` the first seed (0). A failure
names its seed: `RELAYCAST_FUZZ_SEED=4711 RELAYCAST_FUZZ_S=0 pytest tests/fuzz/test_codecs.py` begins with that input.
"""

import os
import random
import signal
import time
import tracemalloc
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from types import FrameType
from typing import Any

import orjson
import pytest

TOTAL_S = float(os.environ.get("RELAYCAST_FUZZ_S", "60"))
FIRST_SEED = int(os.environ.get("RELAYCAST_FUZZ_SEED", "0"))
_PARTS = 28
"""How many parts the time is cut into; a fuzzer takes one, or a few."""
_LEAST = 20
"""Inputs that are tried however little time there is."""
_STUCK_S = 30.0
"""Processor time for one input: thousands of times what any needs, so only an endless or quadratic loop gets there."""

patient = pytest.mark.timeout(TOTAL_S + 240)
"""For a fuzzer that may run for an hour: `pytestmark = patient`."""


class Stuck(Exception):
    """One input took more processor time than any should."""


def budget(parts: float = 1.0) -> float:
    """Seconds for one fuzzer that takes `parts` of the whole."""
    return TOTAL_S * parts / _PARTS


def seeds(parts: float = 1.0) -> Iterator[int]:
    """Seeds until the budget is spent, and a few in any case."""
    until = time.monotonic() + budget(parts)
    seed = FIRST_SEED
    while seed < FIRST_SEED + _LEAST or time.monotonic() < until:
        yield seed
        seed += 1


def fuzz(
    check: Callable[[bytes], object],
    corpus: Sequence[bytes],
    *,
    parts: float = 1.0,
    change: Callable[[int, Sequence[bytes]], bytes] | None = None,
) -> None:
    """Give `check` inputs made from `corpus` for as long as there is time; what it raises is told with the seed."""
    for seed in seeds(parts):
        made = (change or mutate)(seed, corpus)
        with reproducible(seed, made), watchdog():
            check(made)


@contextmanager
def reproducible(seed: int, made: object) -> Iterator[None]:
    """Tell with an error which input it came from."""
    try:
        yield
    except Exception as error:
        error.add_note(f"RELAYCAST_FUZZ_SEED={seed}: {repr(made)[:2000]}")
        raise


@contextmanager
def watchdog(seconds: float = _STUCK_S) -> Iterator[None]:
    """Raise `Stuck` when the block takes so much processor time; waiting is not counted, a busy machine is no reason.

    For plain code in the main thread. Around `await` use `asyncio.timeout`.
    """

    def bark(_number: int, _frame: FrameType | None) -> None:
        raise Stuck(f"more than {seconds:.0f} s of processor time for one input")

    before = signal.signal(signal.SIGVTALRM, bark)
    signal.setitimer(signal.ITIMER_VIRTUAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, before)


@contextmanager
def memory_bound(limit_bytes: int) -> Iterator[None]:
    """Assert that what Python holds at the block's worst moment is at most `limit_bytes` more than before it."""
    tracemalloc.start()
    try:
        yield
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak <= limit_bytes, f"{peak:,} bytes at the worst moment; {limit_bytes:,} are allowed"


def split(seed: int, data: bytes) -> list[bytes]:
    """The same bytes in some pieces, as a pipe may deliver them."""
    chance = random.Random(seed)
    places = sorted(chance.randrange(len(data) + 1) for _ in range(chance.randrange(8)))
    return [data[start:end] for start, end in zip([0, *places], [*places, len(data)], strict=True)]


def mutate(seed: int, corpus: Sequence[bytes]) -> bytes:
    """One of the corpus with a few changes: to its lines, to a JSON value in one of them, to its bytes."""
    chance = random.Random(seed)
    data = chance.choice(corpus)
    for _ in range(chance.choice((1, 1, 1, 2, 3, 8))):
        data = chance.choice(_CHANGES)(chance, data)
    return data


def mutate_value(seed: int, value: Any) -> Any:
    """A JSON value with one of its parts replaced, removed, or put somewhere else."""
    return _changed(random.Random(seed), value)


def nested(depth: int, *, objects: bool) -> bytes:
    """JSON so many levels deep."""
    return b'{"a":' * depth + b"1" + b"}" * depth if objects else b"[" * depth + b"1" + b"]" * depth


def _lines(chance: random.Random, data: bytes) -> bytes:
    lines = data.split(b"\n")
    place = chance.randrange(len(lines))
    match chance.randrange(4):
        case 0:
            del lines[place]
        case 1:
            lines.insert(place, lines[place])
        case 2:
            lines.insert(chance.randrange(len(lines)), lines.pop(place))
        case _:
            lines[place] = chance.choice(ODD_BYTES) + lines[place]
    return b"\n".join(lines)


def _json(chance: random.Random, data: bytes) -> bytes:
    lines = data.split(b"\n")
    place = chance.randrange(len(lines))
    try:
        lines[place] = encode(_changed(chance, orjson.loads(lines[place])))
    except (orjson.JSONDecodeError, orjson.JSONEncodeError):  # an earlier change has made it something else
        return _bytes(chance, data)
    return b"\n".join(lines)


def encode(value: Any) -> bytes:
    """As JSON; a `bytes` in it stands as it is, well-formed or not."""
    return orjson.dumps(_fragments(value))


def _fragments(value: Any) -> Any:
    match value:
        case bytes():
            return orjson.Fragment(value)
        case dict():
            return {key: _fragments(each) for key, each in value.items()}
        case list():
            return [_fragments(each) for each in value]
        case _:
            return value


def _changed(chance: random.Random, value: Any) -> Any:
    if isinstance(value, dict) and value and chance.random() < 0.85:
        key = chance.choice(list(value))
        match chance.randrange(8):
            case 0:
                return {name: each for name, each in value.items() if name != key}
            case 1:
                return {**value, key: chance.choice(list(value.values()))}
            case 2:
                return {**value, chance.choice(_NAMES): value[key]}
            case _:
                return {**value, key: _changed(chance, value[key])}
    if isinstance(value, list) and value and chance.random() < 0.85:
        place = chance.randrange(len(value))
        return [*value[:place], _changed(chance, value[place]), *value[place + 1 :]]
    return chance.choice(ODD_VALUES)


def _bytes(chance: random.Random, data: bytes) -> bytes:
    start = chance.randrange(len(data) + 1)
    end = min(len(data), start + chance.choice((0, 0, 1, 1, 4, 64)))
    match chance.randrange(4):
        case 0:
            return data[:start]
        case 1:
            return data[:start] + data[end:]
        case 2:
            return data[:start] + chance.randbytes(end - start) + data[end:]
        case _:
            return data[:start] + chance.choice(ODD_BYTES) + data[end:]


_CHANGES = (_lines, _json, _json, _json, _bytes)

ODD_VALUES: tuple[Any, ...] = (
    None, True, False, 0, -1, 2**53, 2**63, -(2**63), 1.5, "", "0", "x" * 70_000, "\x00", "\u202e", [], {}, [[]],
    b"NaN", b"-Infinity", b"1e400", b"-0", b"9" * 400, b'"\\ud83d"', b'"\\udc00\\ud800"', b'"\xff\xfe"', b'"\\u0000"',
    b'{"a":1,"a":2}', nested(60, objects=True), nested(250, objects=True), nested(1500, objects=False),
)  # fmt: skip
"""What stands in no recording: wrong types, the ends of ranges, and JSON that some readers take and others do not."""

ODD_BYTES: tuple[bytes, ...] = (
    b"\xef\xbb\xbf", b"\x1b]0;title\x07", b"\x1b]8;;http://x\x1b\\", b"\x1b[31m", b"\x1b[2K\r", b"\r10%\r20%", b"\x00",
    b"\x1b", b"\x9b31m", b"\r", b"\n", b"\r\n", b"\xff", b"\xed\xa0\xbd", b"\xe2\x80\xa8", b" ", b"{", b"}", b"[", b'"',
    b"\\", b",", b":", b"null", b"NaN", b"noise ", b'{"msg": \'quoted\'}\n', b"{}", b"[1]\n", b"x" * 5000,
    nested(300, objects=True), nested(300, objects=False)[:300], b"\x1b]0;" + b"y" * 3000,
)  # fmt: skip
"""What terminals, loggers and broken writers put between the bytes of a protocol."""

_NAMES = ("type", "id", "method", "params", "result", "error", "seq", "report", "raw", "uuid", "_meta", "")
