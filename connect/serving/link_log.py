"""What a link without a terminal says: a file in its state folder that never grows beyond its bounds."""

from __future__ import annotations

import logging
import os
from io import TextIOWrapper
from logging.handlers import RotatingFileHandler
from pathlib import Path

from typing_extensions import override

from connect.access.token_text import TokenFreeFormatter
from connect.notices import Notice

LOG_FILE = "link.log"
_MAX_BYTES = 1024 * 1024
_OLDER_FILES = 2

_log = logging.getLogger("relay-connect")


class _LinkLog(RotatingFileHandler):
    """Readable by its user alone. What the interpreter itself prints, when it ends, goes to the same file."""

    @override
    def _open(self) -> TextIOWrapper:
        descriptor = os.open(
            self.baseFilename, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600
        )
        for printed in (1, 2):
            os.dup2(descriptor, printed)
        return os.fdopen(descriptor, "a", encoding="utf-8", errors="backslashreplace")


def log_to(path: Path) -> None:
    """Keep what is logged in a file from now on, tokens left out. Raises `OSError`."""
    handler = _LinkLog(path, maxBytes=_MAX_BYTES, backupCount=_OLDER_FILES)
    handler.setFormatter(TokenFreeFormatter("%(asctime)s %(levelname)s %(message)s"))
    logging.basicConfig(level=logging.INFO, handlers=[handler], force=True)
    logging.getLogger("asyncio").setLevel(logging.WARNING)
    logging.getLogger("websockets").setLevel(logging.WARNING)


def log_notice(notice: Notice) -> None:
    """One line for what a terminal would be told."""
    _log.info("%s", " · ".join(notice.text.splitlines()))
