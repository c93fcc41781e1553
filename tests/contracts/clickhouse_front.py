"""A small HTTP front over the in-process engine, so that the driver's HTTP side is exercised without a server.

It is a real engine behind a thin door: SQL, encodings, parameters and errors are real; users, replication and failures
in the middle of an answer are not there. `python -m tests.contracts.clickhouse_front FOLDER [PORT]` prints its port.
"""

from __future__ import annotations

import gzip
import re
import sys
import tempfile
import threading
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qsl, urlencode, urlsplit

import chdb
import lz4.frame
from chdb.state.sqlitelike import Connection

from broker.adapters.clickhouse.client import ENGINE_OPTIONS

_LOCK = threading.Lock()
_NOT_SETTINGS = {"query", "database", "session_id", "query_id", "wait_end_of_query", "compress", "decompress"}
_NOT_SETTINGS |= {"client_protocol_version", "enable_http_compression", "send_progress_in_http_headers", "role"}
_NOT_SETTINGS |= {"http_headers_progress_interval_ms", "buffer_size", "session_check", "session_timeout", "quota_key"}


class Front(BaseHTTPRequestHandler):
    """One request, one handle of the engine."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # an answer is two writes
    engine: str

    def do_GET(self) -> None:
        self._serve(b"")

    def do_POST(self) -> None:
        length = self.headers.get("Content-Length")
        body = self._chunks() if length is None else self.rfile.read(int(length))
        match self.headers.get("Content-Encoding"):
            case "lz4":
                body = _decompressed(body)
            case "gzip":
                body = gzip.decompress(body)
        self._serve(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its name in the library
        del format, args

    def _chunks(self) -> bytes:
        parts = []
        while size := int(self.rfile.readline(), 16):
            parts.append(self.rfile.read(size))
            self.rfile.readline()
        self.rfile.readline()
        return b"".join(parts)

    def _serve(self, body: bytes) -> None:
        arguments = dict(parse_qsl(urlsplit(self.path).query, keep_blank_values=True))
        try:
            with _LOCK:
                answer = _run(self.engine, arguments, body)
        except RuntimeError as error:
            self._answer(500, str(error).encode(), code=_code(str(error)))
        else:
            self._answer(200, answer)

    def _answer(self, status: int, body: bytes, *, code: str = "") -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("X-ClickHouse-Summary", '{"read_rows":"0","written_rows":"0"}')
        self.send_header("X-ClickHouse-Timezone", "UTC")
        if code:
            self.send_header("X-ClickHouse-Exception-Code", code)
        self.end_headers()
        self.wfile.write(body)


def _decompressed(body: bytes) -> bytes:
    """Of every frame: the driver begins another for each block of a large insert."""
    parts = []
    while body:
        frame = lz4.frame.LZ4FrameDecompressor()
        parts.append(frame.decompress(body))
        body = frame.unused_data or b""
    return b"".join(parts)


def _code(error: str) -> str:
    found = re.search(r"Code: (\d+)", error)
    return found[1] if found else "1000"


def _quoted(value: str) -> str:
    escaped = value.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"


def _run(engine: str, arguments: Mapping[str, str], body: bytes) -> bytes:
    handle = chdb.connect(engine)
    try:
        if database := arguments.get("database"):
            handle.query(f"USE `{database}`")
        settings = [(name, value) for name, value in arguments.items() if name not in _NOT_SETTINGS]
        if changes := [f"{name} = {_quoted(value)}" for name, value in settings if not name.startswith("param_")]:
            handle.query(f"SET {', '.join(changes)}")
        parameters = {name[6:]: value for name, value in arguments.items() if name.startswith("param_")}
        return _execute(handle, arguments.get("query", ""), body, parameters)
    finally:
        handle.close()


def _execute(handle: Connection, query: str, body: bytes, parameters: Mapping[str, str]) -> bytes:
    insert = re.match(r"(?s)\s*(INSERT INTO .*?)\s+FORMAT\s+Native\n?", query or body[:100_000].decode("latin-1"))
    if insert:
        with tempfile.NamedTemporaryFile(suffix=".native") as file:
            file.write(body if query else body[insert.end() :])
            file.flush()
            handle.query(f"{insert[1]} FROM INFILE '{file.name}' FORMAT Native")
        return b""
    sql = query + body.decode()
    chosen = re.search(r"\bFORMAT\s+(\w+)\s*;?\s*$", sql)
    plain, output = (sql[: chosen.start()], chosen[1]) if chosen else (sql, "TabSeparated")
    return bytes(handle.query(plain, output, params=dict(parameters)).bytes() or b"")


def main() -> None:
    """Serve until standard input ends."""
    Front.engine = f"{Path(sys.argv[1]).resolve()}?{urlencode(ENGINE_OPTIONS)}"
    keep = chdb.connect(Front.engine)
    server = ThreadingHTTPServer(("127.0.0.1", int(sys.argv[2]) if len(sys.argv) > 2 else 0), Front)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    print(server.server_port, flush=True)
    sys.stdin.read()
    server.shutdown()
    keep.close()


if __name__ == "__main__":
    main()
