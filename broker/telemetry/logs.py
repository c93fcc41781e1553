"""How logs are written: as lines for people, or as JSON for programs; never with a token in them."""

from __future__ import annotations

import logging
import logging.handlers
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Any

import orjson
from typing_extensions import override

from broker.domain.people.token_text import hide_tokens
from broker.telemetry.correlation import current_request

STEPS_LOG = "broker.steps"
"""Of lines for each step of each message and each connection: there are many, so they are asked for."""
_IDS = "ids"
_NOISE = ("Invalid HTTP request received.", "Unsupported upgrade request.", "Invalid UTF-8 sequence received")
"""What uvicorn says of each peer that speaks nonsense: any stranger could fill the log with it."""


_ERRORS_BYTES = 512 * 1024


class LogFormat(StrEnum):
    """Of what a process logs to stderr."""

    TEXT = "text"
    JSON = "json"


def ids(**named: object) -> Mapping[str, Mapping[str, object]]:
    """The ids that a log line is about, for its `extra`; what is None is left out."""
    return {_IDS: {name: value for name, value in named.items() if value is not None}}


class _NoNoise(logging.Filter):
    """Drops what strangers can have logged as often as they like."""

    def filter(self, record: logging.LogRecord) -> bool:
        return not str(record.msg).startswith(_NOISE)


class TokenFreeFormatter(logging.Formatter):
    """Cuts tokens out of everything that is logged, tracebacks included. Ids stand behind the text."""

    @override
    def format(self, record: logging.LogRecord) -> str:
        about = " ".join(f"{name}={value}" for name, value in _ids_of(record).items())
        return hide_tokens(f"{super().format(record)} {about}".rstrip())


class JsonFormatter(logging.Formatter):
    """One JSON object a line: `at` (UTC), `level`, `logger`, `text`, then the ids, and `error` with a traceback."""

    @override
    def format(self, record: logging.LogRecord) -> str:
        said: dict[str, Any] = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "text": record.getMessage(),
            **_ids_of(record),
        }
        if record.exc_info:
            said["error"] = self.formatException(record.exc_info)
        return hide_tokens(orjson.dumps(said, default=str).decode())


def _ids_of(record: logging.LogRecord) -> dict[str, object]:
    found: dict[str, object] = dict(getattr(record, _IDS, {}))
    if request := current_request():
        found["request"] = request
    return found


class _ErrorsFile(logging.handlers.RotatingFileHandler):
    """Of two files of some size, the newer and the older lines. A disk that takes nothing is no reason to fail."""

    def __init__(self, path: Path) -> None:
        super().__init__(path, maxBytes=_ERRORS_BYTES, backupCount=1, encoding="utf-8", delay=True)
        self.setLevel(logging.WARNING)
        self.setFormatter(JsonFormatter())

    @override
    def handleError(self, record: logging.LogRecord) -> None:
        del record

    @override
    def _open(self) -> Any:
        Path(self.baseFilename).touch(mode=0o600)
        return super()._open()


@contextmanager
def errors_kept(path: Path) -> Iterator[None]:
    """Write warnings and errors to a file, too, for the block."""
    handler = _ErrorsFile(path)
    logging.getLogger().addHandler(handler)
    try:
        yield
    finally:
        logging.getLogger().removeHandler(handler)
        handler.close()


def configure_logging(*, verbose: bool, format_: LogFormat = LogFormat.TEXT, steps: bool = False) -> None:
    """Log to stderr, without tokens. `steps`: each step of each message and each connection, too."""
    handler = logging.StreamHandler()
    text = TokenFreeFormatter("%(asctime)s %(levelname)s %(name)s: %(message)s")
    handler.setFormatter(JsonFormatter() if format_ is LogFormat.JSON else text)
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(logging.DEBUG if verbose else logging.WARNING)
    logging.getLogger("broker").setLevel(logging.DEBUG if verbose else logging.INFO)
    logging.getLogger(STEPS_LOG).setLevel(logging.INFO if steps else logging.WARNING)
    if not verbose:
        logging.getLogger("uvicorn.error").addFilter(_NoNoise())
    # Each try to reach a server that is away would be told twice: here, and by those who tried.
    for driver in ("clickhouse_connect", "urllib3"):
        logging.getLogger(driver).setLevel(logging.DEBUG if verbose else logging.ERROR)
