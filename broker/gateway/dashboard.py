"""The dashboard's files: a page that may run nothing but its own scripts, and assets that browsers keep for good."""

from __future__ import annotations

import hashlib
from functools import lru_cache, partial
from http import HTTPStatus
from mimetypes import guess_type
from pathlib import Path

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import BaseRoute, Route
from starlette.staticfiles import NotModifiedResponse

from broker.domain.errors import NotFound
from broker.gateway.serving.answers import Refusal, not_found
from broker.gateway.serving.workspace_path import path_of

BUILT = Path(__file__).parent.parent / "dashboard"
"""Where the build lays the page; missing in a source tree that was never installed."""

_PAGES = {
    "/": "index.html",
    "/session/{rest:path}": "session.html",
    "/machine/{rest:path}": "machine.html",
    "/inbox": "inbox.html",
    "/logs": "logs.html",
    "/usage": "usage.html",
    "/workflows": "workflows.html",
    "/workflows/{rest:path}": "workflows.html",
    "/rules": "rules.html",
    "/hooks": "hooks.html",
    "/people": "people.html",
    "/groups": "groups.html",
    "/access-tokens": "access-tokens.html",
    "/audit": "audit.html",
    "/settings": "settings.html",
    "/sign-in": "sign-in.html",
}
"""Addresses that the page itself understands, and the HTML file of each (`web/build/pages.ts`): they differ in what a
browser loads at once. Which page is drawn is decided in the browser."""

_OF_PROGRAMS = frozenset({"v1", "graphql", "mcp", "assets"})
"""What addresses begin with that nobody opens in a browser."""

_GUARDS = {
    "Content-Security-Policy": "; ".join(
        (
            "default-src 'none'",
            "script-src 'self'",
            "style-src 'self'",
            "connect-src 'self'",
            "img-src 'self' data:",
            "font-src 'self'",
            "manifest-src 'self'",
            "worker-src 'self'",
            "frame-ancestors 'none'",
            "base-uri 'none'",
            "form-action 'self'",
        )
    ),
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
_FOR_GOOD = "public, max-age=31536000, immutable"
"""For files whose name holds a hash of what they say."""
_ASK_AGAIN = "no-cache"
_MOST_BELOW = 64
"""Pages of workspaces kept in memory; to make one anew takes microseconds."""
_MOST_READ = 256
"""Files kept in memory: all of a build in all its encodings, which are some 200 of five megabytes."""
_ENCODINGS = (("br", ".br"), ("gzip", ".gz"))

_NOT_BUILT = """<!doctype html>
<html lang="en"><meta charset="utf-8"><title>Relaycast</title>
<h1>The dashboard was not built</h1>
<p>The broker runs; only its page is missing. Build it where Relaycast is installed from source, then reload:</p>
<pre>pip install -e .</pre>
</html>
"""


_BASE = b'content="%s/"'
"""Where the HTML says that it lies."""
_FROM_THE_ROOT = b'="/'
"""How the built HTML names files. Nothing else of a build does: scripts and styles name theirs beside themselves."""


class Dashboard:
    """Serves the files under `folder`. `path`: what browsers know them below, as `/relay`; else they have the host."""

    def __init__(self, folder: Path = BUILT, *, path: str = "") -> None:
        self._folder = folder.resolve()
        self._path = path

    def routes(self) -> list[BaseRoute]:
        """The pages, and every built file by its own name. They come after all others."""
        pages = [Route(path, partial(self.page, name=name), name=name) for path, name in _PAGES.items()]
        files = [Route(f"/{name}", partial(self.file, name=name), name=name) for name in self._top_files()]
        return [*pages, Route("/assets/{name}", self.asset), *files]

    async def page(self, request: Request, *, name: str) -> Response:
        """The HTML of an address."""
        html = self._folder / name
        if not _is_there(html):
            return HTMLResponse(_NOT_BUILT, 503, headers={**_GUARDS, "Cache-Control": "no-store"})
        below = self._path + path_of(request)
        return self._page_below(request, html, below) if below else _serve(request, html, keep=_ASK_AGAIN)

    async def missing(self, request: Request, error: Exception) -> Response:
        """What is at none of the broker's addresses: a person in a browser gets a page that says so, a program JSON."""
        is_asked_by_person = request.method in {"GET", "HEAD"} and "text/html" in request.headers.get("accept", "")
        if not is_asked_by_person or request.url.path.strip("/").split("/")[0] in _OF_PROGRAMS:
            return await not_found(request, error)
        page = await self.page(request, name=_PAGES["/"])
        if page.status_code != HTTPStatus.OK:
            return page
        page.status_code = HTTPStatus.NOT_FOUND
        page.headers["Cache-Control"] = "no-store"
        return page

    async def asset(self, request: Request) -> Response:
        """A script, style or picture whose name holds its hash."""
        path = self._folder / "assets" / request.path_params["name"]
        if path.parent != self._folder / "assets" or not _is_there(path):
            # Of another version of the page: it must not be answered with a page, nor be kept.
            return Refusal(NotFound("no such file in this version of the dashboard", code="PATH_NOT_FOUND"))
        return _serve(request, path, keep=_FOR_GOOD)

    async def file(self, request: Request, *, name: str) -> Response:
        """A file beside the pages, under a name of its own."""
        return _serve(request, self._folder / name, keep=_ASK_AGAIN)

    def _page_below(self, request: Request, html: Path, below: str) -> Response:
        """As it is not from the root of its host: it names its files below our path, and itself in its workspace."""
        content, tag = _read_below(html, html.stat().st_mtime_ns, files=self._path, below=below)
        headers = {**_GUARDS, "Cache-Control": _ASK_AGAIN, "ETag": tag}
        return _answer(request, content, headers, media_type=_media_type(html))

    def _top_files(self) -> list[str]:
        if not self._folder.is_dir():
            return []
        others = (".html", *(suffix for _, suffix in _ENCODINGS))
        names = (path.name for path in self._folder.iterdir() if path.is_file())
        return sorted(name for name in names if not name.endswith(others))


def _is_there(path: Path) -> bool:
    try:
        return path.is_file()
    except OSError:  # a name longer than files can have
        return False


def _serve(request: Request, path: Path, *, keep: str) -> Response:
    """The file, in the smallest encoding that was laid beside it and the browser takes."""
    headers = {**_GUARDS, "Cache-Control": keep, "Vary": "Accept-Encoding"}
    sent, accepted = path, _parse_accepted(request)
    for encoding, suffix in _ENCODINGS:
        smaller = path.with_name(path.name + suffix)
        if encoding in accepted and smaller.is_file():
            headers["Content-Encoding"], sent = encoding, smaller
            break
    content, headers["ETag"] = _read(sent, sent.stat().st_mtime_ns)
    return _answer(request, content, headers, media_type=_media_type(path))


def _answer(request: Request, content: bytes, headers: dict[str, str], *, media_type: str) -> Response:
    answer = Response(content, headers=headers, media_type=media_type)
    if headers["ETag"] in request.headers.get("if-none-match", ""):
        return NotModifiedResponse(answer.headers)
    return answer


@lru_cache(maxsize=_MOST_READ)
def _read(path: Path, _changed_ns: int) -> tuple[bytes, str]:
    """What a file says and a tag for it. When it changed is a part of what is remembered: built anew, it is read anew.

    Not in a thread, which takes 5 ms for each file: it is done once.
    """
    content = path.read_bytes()
    return content, _tag(content)


@lru_cache(maxsize=_MOST_BELOW)
def _read_below(html: Path, changed_ns: int, *, files: str, below: str) -> tuple[bytes, str]:
    """The same of a page that lies below `below`, and its files below `files`."""
    content, _ = _read(html, changed_ns)
    content = content.replace(_FROM_THE_ROOT, b'="%s/' % files.encode())
    content = content.replace(_BASE % files.encode(), _BASE % below.encode())
    return content, _tag(content)


def _tag(content: bytes) -> str:
    return f'"{hashlib.sha256(content).hexdigest()[:32]}"'


def _parse_accepted(request: Request) -> set[str]:
    offers = (part.strip().split(";") for part in request.headers.get("accept-encoding", "").split(","))
    return {offer[0].lower() for offer in offers if not any(q.replace(" ", "") == "q=0" for q in offer[1:])}


def _media_type(path: Path) -> str:
    # The system's own table may say application/x-javascript, which `nosniff` then refuses.
    return "text/javascript" if path.suffix == ".js" else guess_type(path.name)[0] or "application/octet-stream"
