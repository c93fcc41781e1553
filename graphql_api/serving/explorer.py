"""GraphiQL, for developers: a page that loads nothing from anywhere else.

The published bundle is not part of the wheel. `make graphiql` installs it, and serves the page with it.
"""

from __future__ import annotations

from pathlib import Path

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import FileResponse, Response

from broker.domain.errors import NotConfigured

_OWN = Path(__file__).with_name("graphiql")
_ASSETS = {
    "page.js": (_OWN / "page.js", "text/javascript"),
    "page.css": (_OWN / "page.css", "text/css"),
}
_PUBLISHED = {
    "react.production.min.js": ("react/umd", "text/javascript"),
    "react-dom.production.min.js": ("react-dom/umd", "text/javascript"),
    "graphiql.min.js": ("graphiql", "text/javascript"),
    "graphiql.min.css": ("graphiql", "text/css"),
}
_HEADERS = {
    # Styles: the editor writes its own into the page. Data: its fonts and pictures are in the style sheet.
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; font-src data:; img-src data:; "
        "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "Cache-Control": "no-store",
    "Vary": "Accept",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
}


class Explorer:
    """The page and its files; `packages` is the folder that npm installed into."""

    def __init__(self, packages: Path) -> None:
        published = {name: (packages / folder / name, kind) for name, (folder, kind) in _PUBLISHED.items()}
        missing = [str(path) for path, _ in published.values() if not path.is_file()]
        if missing:
            raise NotConfigured(
                f"GraphiQL is not installed: no {missing[0]}; `make graphiql` does it", code="NO_GRAPHIQL"
            )
        self._assets = {**_ASSETS, **published}

    def page(self) -> Response:
        """What a browser gets that goes to /graphql."""
        return FileResponse(_OWN / "page.html", headers=_HEADERS, media_type="text/html; charset=utf-8")

    async def asset(self, request: Request) -> Response:
        """One of its files."""
        found = self._assets.get(request.path_params["name"])
        if found is None:
            raise HTTPException(404)
        path, kind = found
        return FileResponse(path, headers=_HEADERS, media_type=f"{kind}; charset=utf-8")
