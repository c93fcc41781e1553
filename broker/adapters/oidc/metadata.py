"""What a provider says of itself: where it is asked, and what it can do.

Sources: OpenID Connect Discovery 1.0 (incorporating errata set 2); RFC 8414.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from pydantic import BaseModel, ConfigDict, StrictStr, ValidationError

from broker.adapters.oidc.documents import shown
from broker.adapters.oidc.keys import ALGORITHMS
from broker.domain.errors import IdentityProviderFailed
from broker.domain.outbound.urls import url_problem

DISCOVERY = "/.well-known/openid-configuration"
_BASIC, _POST = "client_secret_basic", "client_secret_post"


@dataclass(frozen=True, slots=True, kw_only=True)
class Metadata:
    """What is kept of a discovery document."""

    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str
    userinfo_endpoint: str | None
    takes_basic: bool
    """Whether a client's secret goes into the header of the token request, as is preferred (RFC 6749, 2.3.1)."""
    takes_post: bool
    """Whether it may go into its body."""


class _Document(BaseModel):
    model_config = ConfigDict(extra="ignore")

    issuer: StrictStr
    authorization_endpoint: StrictStr
    token_endpoint: StrictStr
    jwks_uri: StrictStr
    userinfo_endpoint: StrictStr | None = None
    response_types_supported: list[StrictStr] | None = None
    id_token_signing_alg_values_supported: list[StrictStr] | None = None
    token_endpoint_auth_methods_supported: list[StrictStr] | None = None
    code_challenge_methods_supported: list[StrictStr] | None = None


def discovery_url(issuer: str) -> str:
    """Where an issuer's document is (OpenID Connect Discovery 1.0, section 4: a `/` at its end is left out)."""
    return issuer.rstrip("/") + DISCOVERY


def read_metadata(document: dict[str, Any], *, issuer: str) -> Metadata:
    """What an issuer's document says. Raises `IdentityProviderFailed` where the provider cannot be used."""
    try:
        said = _Document.model_validate(document)
    except ValidationError as error:
        # The first part of a place is always a member's name of ours.
        names = ", ".join(dict.fromkeys(str(each["loc"][0]) for each in error.errors(include_url=False)))
        raise IdentityProviderFailed(
            f"the provider's discovery document lacks what is needed, or has it in another form: {names}"
        ) from None
    if said.issuer != issuer:
        raise IdentityProviderFailed(
            f"the provider calls itself {shown(said.issuer)!r}; an owner enters the issuer like that, letter for letter"
        )
    _check_endpoints(said)
    _check_abilities(said)
    # Without the member it is `client_secret_basic` alone (Discovery 1.0, section 3).
    methods = said.token_endpoint_auth_methods_supported or [_BASIC]
    return Metadata(
        issuer=issuer,
        authorization_endpoint=said.authorization_endpoint,
        token_endpoint=said.token_endpoint,
        jwks_uri=said.jwks_uri,
        userinfo_endpoint=said.userinfo_endpoint,
        takes_basic=_BASIC in methods,
        takes_post=_POST in methods,
    )


def address(metadata: Metadata, parameters: dict[str, str]) -> str:
    """Where a browser is sent. What the endpoint has behind its `?` stays (RFC 6749, section 3.1)."""
    parts = urlsplit(metadata.authorization_endpoint)
    own = [pair for pair in parse_qsl(parts.query, keep_blank_values=True) if pair[0] not in parameters]
    return urlunsplit(parts._replace(query=urlencode([*own, *parameters.items()])))


def _check_endpoints(said: _Document) -> None:
    for name in ("authorization_endpoint", "token_endpoint", "jwks_uri", "userinfo_endpoint"):
        url = getattr(said, name)
        if url is None:
            continue
        # A URL is ASCII (RFC 3986, section 2): halves of characters, which JSON can have, would fail in what sends it.
        if problem := url_problem(url) or ("" if url.isascii() else "a URL has ASCII characters alone; encode others"):
            raise IdentityProviderFailed(f"the provider's discovery document, {name}: {problem}")
    # The others are called by the guarded client, which refuses plain http itself; this one is called by a browser.
    schemes = {"https", urlsplit(said.issuer).scheme}
    if urlsplit(said.authorization_endpoint).scheme not in schemes:
        raise IdentityProviderFailed(
            "the provider's discovery document, authorization_endpoint: people are sent over https only"
        )


def _check_abilities(said: _Document) -> None:
    if said.response_types_supported is not None and "code" not in said.response_types_supported:
        raise IdentityProviderFailed(
            "the provider has no authorization code flow (response_types_supported lacks code); its administrator"
            " turns it on"
        )
    challenges = said.code_challenge_methods_supported
    if challenges is not None and "S256" not in challenges:
        raise IdentityProviderFailed(
            "the provider takes no PKCE with S256 (code_challenge_methods_supported lacks it), and none goes without;"
            " its administrator turns it on"
        )
    algorithms = said.id_token_signing_alg_values_supported
    if algorithms is not None and ALGORITHMS.keys().isdisjoint(algorithms):
        raise IdentityProviderFailed(
            "the provider signs ID tokens with no algorithm that is believed; its administrator chooses one of "
            + ", ".join(ALGORITHMS)
        )
