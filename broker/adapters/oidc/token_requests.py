"""The request that exchanges a code, and what its answer means.

Sources: RFC 6749, sections 2.3.1, 4.1.3 and 5; RFC 7636; OpenID Connect Core 1.0, section 3.1.3.
"""

from __future__ import annotations

import base64
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote_plus, urlencode

from broker.adapters.oidc.documents import shown
from broker.adapters.oidc.metadata import Metadata
from broker.domain.errors import IdentityProviderFailed

_FORM = "application/x-www-form-urlencoded"
_REFUSALS = {
    "invalid_grant": "the code was used already, or is too old: sign in again",
    "invalid_client": "it does not know the client, or its secret is another one: an owner looks at client_id and at"
    " the secret",
    "unauthorized_client": "the client may not use the authorization code flow: an administrator of the provider allows"
    " it",
    "unsupported_grant_type": "it has no authorization code flow: an administrator of the provider turns it on",
    "invalid_scope": "the client may not ask for openid, profile and email: an administrator of the provider allows it",
    "invalid_request": "it wants to be asked in another way: an administrator of the provider looks at the client's"
    " settings",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Tokens:
    """What a code was exchanged for."""

    id_token: str = field(repr=False)
    access_token: str | None = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenRequest:
    """A POST to the token endpoint."""

    body: bytes = field(repr=False)
    headers: dict[str, str] = field(repr=False)


def token_request(
    metadata: Metadata, *, client_id: str, client_secret: str | None, code: str, verifier: str, answer_at: str
) -> TokenRequest:
    """What is sent. Raises `IdentityProviderFailed` where the provider wants no secret as it is known here."""
    form = {"grant_type": "authorization_code", "code": code, "redirect_uri": answer_at, "code_verifier": verifier}
    headers = {"content-type": _FORM, "accept": "application/json"}
    if client_secret is None:
        form["client_id"] = client_id
    elif metadata.takes_basic:
        pair = f"{quote_plus(client_id)}:{quote_plus(client_secret)}"
        headers["authorization"] = "Basic " + base64.b64encode(pair.encode()).decode()
    elif metadata.takes_post:
        form |= {"client_id": client_id, "client_secret": client_secret}
    else:
        raise IdentityProviderFailed(
            "the provider takes a client's secret neither by client_secret_basic nor by client_secret_post; its"
            " administrator allows one, or an owner enters a public client without a secret"
        )
    return TokenRequest(body=urlencode(form).encode(), headers=headers)


def read_tokens(document: dict[str, Any]) -> Tokens:
    """What an answer with status 200 has. Raises `IdentityProviderFailed`."""
    id_token, access_token = document.get("id_token"), document.get("access_token")
    if not isinstance(id_token, str):
        raise IdentityProviderFailed(
            "the provider's token endpoint gives no ID token: an administrator of the provider allows the client the"
            " scope openid"
        )
    if not isinstance(access_token, str) or not access_token.isascii() or not access_token.isprintable():
        access_token = None
    return Tokens(id_token=id_token, access_token=access_token)


def refusal(document: dict[str, Any], *, secrets: Iterable[str]) -> IdentityProviderFailed:
    """What an error answer means, in words. What the provider says besides is shown unless it repeats a secret."""
    error, told = document.get("error"), document.get("error_description")
    meaning = _REFUSALS.get(error, "") if isinstance(error, str) else ""
    said = ": ".join(filter(None, (shown(error), shown(told))))
    texts = [each for each in (error, told) if isinstance(each, str)]
    if any(each in text for each in secrets for text in texts):
        said = ""
    words = meaning or "it gives no reason that is known here"
    return IdentityProviderFailed(
        f"the provider's token endpoint refuses: {words}" + (f". It says {said!r}" if said else "")
    )
