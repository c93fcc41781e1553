"""What the data folder keeps beside the stores: keys, the installation's id, how to reach the broker."""

from __future__ import annotations

import contextlib
import logging
import secrets
import socket
from collections.abc import AsyncIterator
from dataclasses import replace
from functools import partial
from pathlib import Path

import orjson

from broker.adapters.embedded import usable, write_private
from broker.adapters.sealing import AesGcmSealing, make_key, split_keys
from broker.app import Adapters, build_services, dashboard_link
from broker.domain.errors import BadRequest, NotAuthenticated
from broker.domain.ids import WorkspaceId
from broker.domain.operations.administrators import ADMINISTRATOR_PREFIX
from broker.domain.operations.installation import Installation
from broker.domain.people.token_kinds import TokenKind
from broker.domain.people.token_text import require_token_form
from broker.services.operations.installations import Installations
from broker.services.people.access import new_token
from broker.settings import Settings

_log = logging.getLogger(__name__)
_WORKSPACE = WorkspaceId("local")


async def adopt_keys(settings: Settings, adapters: Adapters) -> str:
    """The workspace key in the data folder, made at the first start; a link for its owner."""
    key = _read_kept_key(settings.key_file) or new_token(TokenKind.WORKSPACE)
    mine = Installation(
        id=_read(settings.installation_file) or secrets.token_hex(16),
        folder=str(settings.data_dir.absolute()),
        host=socket.gethostname(),
    )
    services = build_services(settings, adapters)
    installations = Installations(
        adapters.installation, adapters.tokens, services.access, administrators=adapters.administrators
    )
    settle = partial(
        installations.settle,
        mine,
        workspace=_WORKSPACE,
        plan=settings.plan,
        owned=settings.redis_url is None,
        join=settings.join,
    )
    try:
        settled = await settle(key)
    except NotAuthenticated:
        _log.warning("the key in %s was revoked; a fresh one takes its place", settings.key_file)
        key = new_token(TokenKind.WORKSPACE)
        settled = await settle(key)
    administrator_key = _read(settings.administrator_key_file) or _new_administrator_key()
    await installations.adopt_administrator(administrator_key, mine)
    with usable(settings.data_dir):
        write_private(settings.administrator_key_file, administrator_key.encode() + b"\n")
        write_private(settings.key_file, key.encode() + b"\n")
        write_private(settings.installation_file, settled.id.encode() + b"\n")
    return await dashboard_link(settings, services, _WORKSPACE)


def _new_administrator_key() -> str:
    return ADMINISTRATOR_PREFIX + secrets.token_urlsafe(32)


def with_secret_keys(settings: Settings) -> Settings:
    """With what secrets are sealed with: as it was given, else from the data folder, where it is made. Once lost, what
    it sealed cannot be read any more. Raises `BadRequest` for a file that people have spoilt."""
    if settings.secret_keys:
        return settings
    with usable(settings.data_dir):
        keys = split_keys(_read(settings.secret_key_file) or "")
        if not keys:
            keys = (make_key(),)
            write_private(settings.secret_key_file, keys[0].encode() + b"\n")
    AesGcmSealing(keys)
    return replace(settings, secret_keys=keys)


def _read_kept_key(path: Path) -> str | None:
    """The key in a file, which people may have edited. Raises `BadRequest`, without saying the key."""
    key = _read(path)
    try:
        require_token_form(key or "")
    except NotAuthenticated as error:
        raise BadRequest(f"{path}: {error.message}") from None
    return key


def _read(path: Path) -> str | None:
    return path.read_text().strip() if path.exists() else None


@contextlib.asynccontextmanager
async def announced(settings: Settings) -> AsyncIterator[None]:
    """While we run, a file says how to reach us: `relay-connect` on this machine needs no arguments."""
    write_private(settings.up_file, orjson.dumps({"url": settings.url}))
    try:
        yield
    finally:
        settings.up_file.unlink(missing_ok=True)
