"""Checkpoints of audit trails in a file that is only added to. Best on another machine, or where nobody can write."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

from broker.domain.audit.chain import Checkpoint


class CheckpointFile:
    """Implements `Checkpoints`."""

    def __init__(self, path: Path) -> None:
        self._path = path

    async def append(self, checkpoint: Checkpoint) -> None:
        """Add a line, on the disk before this returns. Raises `OSError`."""
        await asyncio.to_thread(self._append, checkpoint.line.encode())

    def _append(self, line: bytes) -> None:
        file = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            os.write(file, line)
            os.fsync(file)
        finally:
            os.close(file)
