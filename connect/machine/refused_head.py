"""Finds the one report that ends every connection, so that it can be set aside and the rest go on."""

from __future__ import annotations

from dataclasses import dataclass

from broker.protocol.close_codes import BAD_MESSAGE, BROKEN_MESSAGE

_BLAMED = frozenset({BAD_MESSAGE.code, BROKEN_MESSAGE.code, 1007, 1009})
"""What a broker closes with that could not read a message; a proxy in between, too, when it is too large for it."""
_TIMES = 2


@dataclass(slots=True)
class RefusedHead:
    """Told how connections end. From the first refusal on, reports go one by one: which of many it was is not said."""

    _head: int = 0
    _times: int = 0
    _until: int = 0

    def is_suspected(self, acked: int) -> bool:
        """Whether what follows `acked` is to be sent one by one."""
        return acked < self._until

    def note_closed(self, code: int, *, acked: int, sent: int) -> bool:
        """A connection ended with `code`, with `acked` of the `sent` taken. True: the next one is what is refused."""
        if code not in _BLAMED or sent <= acked:
            return False
        alone = self.is_suspected(acked)
        self._times = self._times + 1 if self._head == acked + 1 else 1
        self._head, self._until = acked + 1, max(self._until, sent)
        if not (alone and self._times >= _TIMES):
            return False
        self._head = self._times = self._until = 0
        return True
