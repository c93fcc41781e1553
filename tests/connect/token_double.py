"""The broker's two calls for tokens, as a script: it gives pairs out, each refresh token once, and says what it saw."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from tests.connect.api_double import granted, refusal, serving


class TokenDouble:
    """Every exchange begins a family; its tokens say which, and how many were given before them."""

    def __init__(self) -> None:
        self.url = ""
        self.life_s = 900.0
        self.exchanges: list[tuple[str, dict[str, Any]]] = []
        """Each bearer, and what it was exchanged for."""
        self.refreshes: list[str] = []
        self.ended: set[int] = set()
        """Families that are not good any more."""
        self.answering: Response | None = None
        """What is said instead, once."""
        self.gate: asyncio.Event | None = None
        """Answers wait for it."""
        self.elsewhere = ""
        """Where every call is sent on to."""

    def routes(self) -> list[Route]:
        return [
            Route("/v1/auth/exchange", self._exchange, methods=["POST"]),
            Route("/v1/auth/refresh", self._refresh, methods=["POST"]),
        ]

    async def _exchange(self, request: Request) -> Response:
        if self.elsewhere:
            return RedirectResponse(self.elsewhere, status_code=307)
        self.exchanges.append((request.headers["authorization"].removeprefix("Bearer "), await request.json()))
        return await self._answer(len(self.exchanges), 1)

    async def _refresh(self, request: Request) -> Response:
        assert "authorization" not in request.headers
        given = (await request.json())["refresh_token"]
        self.refreshes.append(given)
        family, number = map(int, given.removeprefix("rt_live_").split("-"))
        if family in self.ended:
            return refusal(401, "TOKEN_REVOKED", "what this token comes from was revoked")
        return await self._answer(family, number + 1)

    async def _answer(self, family: int, number: int) -> Response:
        if self.gate is not None:
            await self.gate.wait()
        if self.answering is not None:
            answer, self.answering = self.answering, None
            return answer
        return self.pair(family, number)

    def pair(self, family: int, number: int) -> JSONResponse:
        expires_at_ms = int((time.time() + self.life_s) * 1000)
        names = {"token": f"nt_live_{family}-{number}", "refresh_token": f"rt_live_{family}-{number}"}
        return granted({**names, "expires_at_ms": expires_at_ms, "kind": "proxy"})


@asynccontextmanager
async def token_double() -> AsyncIterator[TokenDouble]:
    double = TokenDouble()
    async with serving(Starlette(routes=double.routes())) as url:
        double.url = url
        yield double
