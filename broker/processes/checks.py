"""What is refused before anything is started."""

from __future__ import annotations

from broker.adapters.sealing import AesGcmSealing
from broker.adapters.tracing import require_tracing
from broker.domain.outbound.addresses import AddressPolicy
from broker.gateway.serving.addresses import TrustedProxies
from broker.gateway.serving.sub_path import require_public_url
from broker.gateway.serving.tls import Certificate
from broker.runtime.metrics_access import metrics_token
from broker.settings import Settings


def require_served(settings: Settings) -> None:
    """What a gateway is told. Raises `BadRequest` for what could not be served."""
    TrustedProxies(settings.trusted_proxies)
    require_public_url(settings.public_url)
    metrics_token(settings)
    require_outbound(settings)
    require_tracing(settings.traces)
    if settings.tls_cert and settings.tls_key:
        Certificate(settings.tls_cert, settings.tls_key)


def require_outbound(settings: Settings) -> None:
    """What a worker needs to reach others with. Raises `BadRequest`."""
    AesGcmSealing(settings.secret_keys)
    AddressPolicy(settings.allow_outbound)
