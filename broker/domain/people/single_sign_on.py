"""Signing in by a workspace's own identity provider: what is agreed with it, and whom it may let in.

A provider speaks for its own workspace alone. Whoever it lets in acts there and nowhere else, however many workspaces
the same person is in: another company's provider must not be able to say that somebody is them.

Source: OpenID Connect Core 1.0 (incorporating errata set 2).
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from urllib.parse import urlsplit

from broker.domain.errors import BadRequest
from broker.domain.ids import ProviderId
from broker.domain.names import is_seen
from broker.domain.outbound.urls import url_problem
from broker.domain.people.access import MemberRole
from broker.domain.people.members import LONGEST_MEMBER_NAME, member_name
from broker.domain.secrets.references import require_name

SSO_REQUIRED = "SSO_REQUIRED"
"""The code of a refusal, for who has signed in by a link where that is not enough; `workspace` in its details."""
SIGN_IN_HOURS = 12
"""How long a sign-in is good unless told: then the provider is asked again whether the person is still there."""
MAX_SIGN_IN_HOURS = 30 * 24
MAX_DOMAINS = 50
_LONGEST_CLIENT_ID = 255
_LONGEST_SUBJECT = 255
"""OpenID Connect Core 1.0, section 2: `sub` has at most 255 ASCII characters."""
_DOMAIN = re.compile(r"(?=.{1,253}$)(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z0-9][a-z0-9-]{0,61}[a-z0-9]")
_FOR_EVERYBODY = frozenset({"accounts.google.com", "gitlab.com", "appleid.apple.com", "www.linkedin.com"})
"""Issuers with which anybody can have an account: of these, only people of named domains may come in."""
_NAMES_TRIED = 20
_ROLES = frozenset({MemberRole.MEMBER, MemberRole.VIEWER})
"""What somebody may be who came in by the provider alone; people give more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderTerms:
    """What an owner agrees with an identity provider, as they write it."""

    issuer: str
    """The provider's name, an https:// URL, as its discovery document says it letter for letter."""
    client_id: str
    secret: str | None = None
    """The name of the secret that has the client's; None for a public client. PKCE is used with both."""
    domains: tuple[str, ...] = ()
    """Of e-mail addresses: nobody else is let in. Empty: whoever the provider lets in."""
    joins_as: MemberRole | None = None
    """What somebody becomes who is not in the workspace yet; None: they need an invitation."""
    required: bool = False
    """Whether nobody but owners may act here who signed in otherwise."""
    hours: int = SIGN_IN_HOURS


@dataclass(frozen=True, slots=True, kw_only=True)
class IdentityProvider:
    """A workspace's own, as it is kept."""

    id: ProviderId
    """Another one whenever issuer or client changes: sign-ins of the one before end with it."""
    terms: ProviderTerms


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """Whom a provider has let in, by an ID token that was verified."""

    issuer: str
    subject: str
    """What the provider calls them, never given to anybody else. An address may be: it says nothing about who that is.
    """
    names: tuple[str, ...] = ()
    """What they may be called, the best first."""
    domains: tuple[str, ...] = ()
    """In which they have an address, as far as the provider vouches for it."""

    @property
    def key(self) -> str:
        """How it is kept: a hash, as subjects may be addresses of people."""
        return hashlib.sha256(f"{self.issuer}\n{self.subject}".encode()).hexdigest()


def check_terms(terms: ProviderTerms) -> ProviderTerms:
    """The same in their one spelling. Raises `BadRequest`."""
    _check_issuer(terms.issuer)
    if not _is_token(terms.client_id, longest=_LONGEST_CLIENT_ID):
        raise BadRequest(f"client_id: 1 to {_LONGEST_CLIENT_ID} printable ASCII characters, as the provider shows it")
    if terms.secret is not None:
        require_name(terms.secret)
    if len(terms.domains) > MAX_DOMAINS:
        raise BadRequest(f"domains: {MAX_DOMAINS} at most")
    domains = tuple(dict.fromkeys(map(_domain, terms.domains)))
    if terms.joins_as is not None and terms.joins_as not in _ROLES:
        raise BadRequest("joins_as: member or viewer; whoever is to be more is given that by an administrator")
    if not 1 <= terms.hours <= MAX_SIGN_IN_HOURS:
        raise BadRequest(f"hours: 1 to {MAX_SIGN_IN_HOURS}")
    if terms.joins_as is not None and not domains and urlsplit(terms.issuer).hostname in _FOR_EVERYBODY:
        raise BadRequest(
            "domains: anybody can have an account there, so say whose addresses may come in: --domain example.com"
        )
    return ProviderTerms(
        issuer=terms.issuer,
        client_id=terms.client_id,
        secret=terms.secret,
        domains=domains,
        joins_as=terms.joins_as,
        required=terms.required,
        hours=terms.hours,
    )


def in_words(terms: ProviderTerms) -> str:
    """For the audit trail."""
    new = f"new people become {terms.joins_as}s" if terms.joins_as else "nobody new"
    words = [
        f"{terms.issuer} as {terms.client_id}",
        "secret " + terms.secret if terms.secret else "without a secret",
        "for " + (", ".join(terms.domains) or "any domain"),
        new,
        f"{terms.hours} h",
    ]
    return "; ".join([*words, *(["required"] if terms.required else [])])


def is_same_client(one: ProviderTerms, other: ProviderTerms) -> bool:
    """Whether both ask the same provider as the same client: what it has vouched for goes on."""
    return (one.issuer, one.client_id) == (other.issuer, other.client_id)


def may_come_in(identity: Identity, terms: ProviderTerms) -> bool:
    """Whether it has an address of the domains that are let in."""
    return not terms.domains or not set(terms.domains).isdisjoint(identity.domains)


def is_subject(text: str) -> bool:
    """Whether a provider may call somebody that."""
    return _is_token(text, longest=_LONGEST_SUBJECT)


def names_to_try(identity: Identity) -> list[str]:
    """What somebody new may be called here, the best first; a number behind it where others have the name."""
    found = next(filter(None, map(_as_name, identity.names)), None) or "new person"
    return [found, *(_numbered(found, number) for number in range(2, _NAMES_TRIED + 1))]


def _numbered(name: str, number: int) -> str:
    behind = f" {number}"
    return name[: LONGEST_MEMBER_NAME - len(behind)].rstrip() + behind


def _as_name(text: str) -> str | None:
    """What is left of a text as a person's name; None when nothing is."""
    shown = "".join(each if each != "/" and is_seen(each) else " " for each in text)
    try:
        return member_name(shown[:LONGEST_MEMBER_NAME])
    except BadRequest:
        return None


def _check_issuer(issuer: str) -> None:
    problem = url_problem(issuer)
    if not problem and urlsplit(issuer).query:
        problem = "an issuer has no ?"  # OpenID Connect Core 1.0, section 2
    if problem:
        raise BadRequest(f"issuer: {problem}")


def _domain(text: str) -> str:
    domain = text.strip().lower().removeprefix("@").rstrip(".")
    if not domain.isascii():
        try:
            domain = domain.encode("idna").decode()
        except UnicodeError:
            domain = ""
    if not _DOMAIN.fullmatch(domain):
        raise BadRequest(f"domains: {text[:80]!r} is no domain, as example.com is one")
    return domain


def _is_token(text: str, *, longest: int) -> bool:
    return 1 <= len(text) <= longest and text.isascii() and text.isprintable()
