"""`python -m tests.hostile`: what a hostile agent gets of the person, the broker and the machine it runs on.

Three times: as the user who runs the broker and relay-connect, on the broker's own machine, which is the worst place;
as an agent of another link of that user; and as a user of its own, linked with a proxy's token, which needs root here.
Loopback only, processes of its own only.
"""

from __future__ import annotations

import asyncio
import os
import sys
import tempfile
from pathlib import Path

from tests.hostile.attempts import attempts
from tests.hostile.scene import NOBODY, Results, interpreter_of, play


async def play_as(user: int | None, *, beside: bool = False) -> Results | None:
    """What was got, see `play`; None when no Python here can be started by that user."""
    interpreter = await interpreter_of(user)
    if interpreter is None:
        return None
    with tempfile.TemporaryDirectory(prefix="rc-hostile-", ignore_cleanup_errors=True) as folder:
        Path(folder).chmod(0o755)
        return await play(Path(folder), user=user, interpreter=interpreter, beside=beside)


async def _main() -> int:
    same = await play_as(None)
    beside = await play_as(None, beside=True)
    own = await play_as(NOBODY) if os.geteuid() == 0 else None
    print(f"{'attempt':<28} {'same user':<36} {'another link of that user':<36} a user of its own")
    for name in attempts():
        print(f"{name:<28} {_shown(same, name):<36} {_shown(beside, name):<36} {_shown(own, name)}")
    for whose, results in (("same user", same), ("another link", beside), ("a user of its own", own)):
        if results is not None:
            print(f"{whose}: got {sum(got for got, _ in results.values())} of {len(results)}")
    return 0


def _shown(results: Results | None, name: str) -> str:
    if results is None:
        return "not tried: no Python that this user can start"
    got, seen = results[name]
    return f"{'GOT' if got else 'no'} {seen}".strip()[:34]


if __name__ == "__main__":
    sys.exit(asyncio.run(_main()))
