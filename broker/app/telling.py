"""What a process tells whoever has started it."""

from __future__ import annotations

import orjson

from broker import __version__
from broker.domain.ids import WorkspaceId
from broker.services.container import Services
from broker.services.people.web_links import sign_in_url
from broker.settings import Settings


async def dashboard_link(settings: Settings, services: Services, workspace: WorkspaceId) -> str:
    """A link that signs the first owner in, once; the owner is made at the first start."""
    owner = await services.members.ensure_owner(workspace, settings.owner)
    return sign_in_url(settings.url, await services.sign_in.issue(workspace, owner))


def ready_line(settings: Settings, *, dashboard: str | None = None) -> bytes:
    """What `--json` prints when a process is ready."""
    return orjson.dumps(
        {
            "url": settings.url,
            "graphql": f"{settings.url}/graphql",
            "mcp": f"{settings.url}/mcp",
            **({"token_file": str(settings.key_file)} if settings.key_file.exists() else {}),
            "version": __version__,
            **({"dashboard": dashboard} if dashboard else {}),
        }
    )
