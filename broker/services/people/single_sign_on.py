"""Signing in by a workspace's own identity provider: setting that up, and the way of a browser there and back.

Nothing is kept of a browser that is on its way: what ties the answer to it lies in its own cookie, sealed. So strangers
who begin and never come back cost the store nothing.
"""

from __future__ import annotations

import base64
import contextlib
import hmac
import logging
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import orjson
from pydantic import TypeAdapter

from broker.domain.errors import (
    BadRequest,
    Conflict,
    IdentityProviderFailed,
    NotAuthenticated,
    NotFound,
    NotPermitted,
    RateLimited,
    RelayError,
)
from broker.domain.ids import MemberId, ProviderId, WorkspaceId
from broker.domain.people.access import Permission, Principal
from broker.domain.people.single_sign_on import (
    Identity,
    IdentityProvider,
    ProviderTerms,
    check_terms,
    is_same_client,
    may_come_in,
    names_to_try,
)
from broker.domain.people.workspaces import Workspace, WorkspaceState
from broker.domain.plans.plans import Feature, PlanTable
from broker.services.people.attempts import Attempts, count_in_hour
from broker.services.people.sign_in import SignIn
from broker.services.permissions import check_within, open_to_all, requires
from broker.services.ports import (
    Challenge,
    IdentityProviders,
    IdentityRecords,
    MemberRecords,
    ProviderFailure,
    Sealed,
    Sealing,
    SignInCodes,
    WorkspaceRecords,
)
from broker.services.secrets.secrets import SecretReader

UNDER_WAY_S = 600
"""How long somebody may take at the provider."""
ANSWER_PATH = "/v1/single-sign-on/answer"
_SEALED_AS = "single sign-on under way"
"""No secret of a workspace has a name with spaces."""
_NOWHERE = WorkspaceId("installation")
"""No workspace has that id."""
_LONGEST_PATH = 500
_MOST_SIGN_INS = 60
"""Of one person in an hour; each is there until it ends."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Begun:
    """A browser is about to be sent to the provider."""

    url: str
    kept: str = field(repr=False)
    """For the browser's cookie, until it comes back."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderAnswer:
    """What a browser brings back (RFC 6749, sections 4.1.2 and 4.1.2.1; RFC 9207)."""

    state: str | None = field(default=None, repr=False)
    code: str | None = field(default=None, repr=False)
    error: str | None = None
    issuer: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Returned:
    """What came of it: a token, or why there is none."""

    slug: str | None
    """Of the workspace; None where that is not known."""
    then: str | None = None
    """The path of the dashboard to go to."""
    token: str | None = field(default=None, repr=False)
    refused: RelayError | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class _UnderWay:
    """What a browser's cookie has, sealed."""

    provider: ProviderId
    challenge: Challenge
    until_ms: int
    then: str | None
    member: MemberId | None
    """Who was signed in already: the identity becomes theirs."""
    generation: int


_UNDER_WAY: TypeAdapter[_UnderWay] = TypeAdapter(_UnderWay)


class SingleSignOn:
    """Use cases around a workspace's identity provider."""

    def __init__(
        self,
        records: IdentityRecords,
        providers: IdentityProviders,
        *,
        members: MemberRecords,
        workspaces: WorkspaceRecords,
        sign_in: SignIn,
        secrets: SecretReader,
        sealing: Sealing,
        failures: SignInCodes,
        plans: PlanTable,
        public_url: str,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """`clock`: Unix time."""
        self._records = records
        self._providers = providers
        self._members = members
        self._workspaces = workspaces
        self._sign_in = sign_in
        self._secrets = secrets
        self._sealing = sealing
        self._failures = failures
        self._attempts = Attempts(failures)
        self._plans = plans
        self._public_url = public_url
        self._clock = clock

    @property
    def answer_at(self) -> str:
        """The redirect URL that is registered at the provider."""
        return self._public_url + ANSWER_PATH

    def sign_in_at(self, slug: str) -> str:
        """Where people of a workspace begin."""
        return f"{self._public_url}/sign-in?workspace={slug}"

    @requires(Permission.ADMINISTER)
    async def get(self, principal: Principal) -> IdentityProvider | None:
        """The workspace's provider; None without one. Raises `NotPermitted`."""
        return await self._records.provider(principal.workspace)

    @open_to_all("whoever is here may know in which ways people sign in")
    async def is_set_up(self, principal: Principal) -> bool:
        """Whether the workspace has a provider."""
        return await self._records.provider(principal.workspace) is not None

    @requires(Permission.ADMINISTER)
    async def last_failure(self, principal: Principal) -> ProviderFailure | None:
        """Why somebody could not sign in by it lately, for who can mend it. Raises `NotPermitted`."""
        return await self._records.last_failure(principal.workspace)

    @check_within("owners alone: who decides whom a provider lets in could be anybody")
    async def set(self, principal: Principal, terms: ProviderTerms) -> IdentityProvider:
        """Set it up, or change it. The provider is asked first whether it can be used.

        Other domains or hours hold from the next sign-in on; another issuer or client ends those that there are.
        Raises `NotPermitted`, `PlanLimitReached`, `BadRequest`, `NotFound` (SECRET_NOT_FOUND), `NotConfigured`,
        `OutboundRefused`, `OutboundFailed`, `IdentityProviderFailed`.
        """
        _require_owner(principal)
        self._plans.require_feature(principal.plan, Feature.SSO)
        checked = check_terms(terms)
        self._sealing.seal(principal.workspace, _SEALED_AS, "")  # without a key, nobody could sign in
        await self._client_secret(principal.workspace, checked)
        await self._providers.check(checked)
        before = await self._records.provider(principal.workspace)
        same = before is not None and is_same_client(before.terms, checked)
        known = before.id if before is not None and same else ProviderId(secrets.token_hex(8))
        provider = IdentityProvider(id=known, terms=checked)
        await self._records.put(principal.workspace, provider)
        return provider

    @check_within("owners alone, as `set`")
    async def remove(self, principal: Principal) -> None:
        """End it, and every sign-in through it. Raises `NotPermitted`, `NotFound` (NO_SINGLE_SIGN_ON)."""
        _require_owner(principal)
        if not await self._records.remove(principal.workspace):
            raise _no_single_sign_on()

    async def begin(self, slug: str, *, who: Principal | None = None, then: str | None = None) -> Begun:
        """Send a browser to the provider of a workspace. `who`: the member of it who is signed in there by a link, and
        is that identity from now on; `then`: a path of the dashboard to come back to.

        Raises `NotFound` (NO_SINGLE_SIGN_ON), `BadRequest`, `PlanLimitReached`, `NotConfigured`, `OutboundRefused`,
        `OutboundFailed`, `IdentityProviderFailed`.
        """
        _require_path(then)
        # One that there is not costs as much as one that has no provider.
        workspace = await self._workspaces.find_by_slug(slug) or _NOWHERE
        provider, about = await self._records.provider(workspace), await self._workspaces.get(workspace)
        if provider is None or about is None or about.state is not WorkspaceState.ACTIVE:
            raise _no_single_sign_on()
        self._plans.require_feature(about.plan, Feature.SSO)
        challenge = Challenge(
            state=secrets.token_urlsafe(32), nonce=secrets.token_urlsafe(32), verifier=secrets.token_urlsafe(48)
        )
        under_way = _UnderWay(
            provider=provider.id,
            challenge=challenge,
            until_ms=self._now_ms() + UNDER_WAY_S * 1000,
            then=then,
            member=who.member if who is not None and who.workspace == workspace else None,
            generation=(who.generation or 0) if who is not None else 0,
        )
        kept = self._seal(workspace, under_way)
        try:
            url = await self._providers.address(provider.terms, challenge, answer_at=self.answer_at)
        except RelayError as refused:
            await self._note_failure(workspace, refused)
            raise
        return Begun(url=url, kept=kept)

    async def finish(self, kept: str, answer: ProviderAnswer, *, address: str) -> Returned:
        """Sign in the browser that comes back; `kept`: its cookie. Raises nothing: a browser is shown a page."""
        slug, then = None, None
        try:
            workspace, under_way = self._unseal(kept)
            about = await self._workspaces.get(workspace)
            if about is None or about.state is not WorkspaceState.ACTIVE:
                raise _no_single_sign_on()
            slug, then = about.slug, under_way.then
            _require_answer_to(under_way, answer)
            await self._attempts.require_few(address)
            token = await self._let_in(about, under_way, answer)
        except RelayError as refused:
            if not isinstance(refused, RateLimited):
                await self._count_failure(address)
            return Returned(slug=slug, then=then, refused=refused)
        return Returned(slug=slug, then=then, token=token)

    async def _let_in(self, about: Workspace, under_way: _UnderWay, answer: ProviderAnswer) -> str:
        """The token of whom the provider says that it is."""
        workspace = about.id
        provider = await self._records.provider(workspace)
        if provider is None or provider.id != under_way.provider:
            raise _failed("single sign-on of this workspace was changed meanwhile: begin again")
        try:
            self._plans.require_feature(about.plan, Feature.SSO)
            identity = await self._redeem(workspace, provider, under_way, answer)
            if not may_come_in(identity, provider.terms):
                raise NotPermitted(
                    f"only people with an address of {', '.join(provider.terms.domains)} may sign in here, as far as"
                    " the identity provider says that the address is theirs",
                    code="DOMAIN_NOT_LET_IN",
                )
            member = await self._member_behind(about, provider, identity, under_way)
        except RelayError as refused:
            await self._note_failure(workspace, refused)
            raise
        await self._count_sign_in(workspace, member)
        found = await self._members.member(workspace, member)
        if found is None:
            raise _failed("you were removed meanwhile")
        return await self._sign_in.begin_by(provider, workspace, found)

    async def _redeem(
        self, workspace: WorkspaceId, provider: IdentityProvider, under_way: _UnderWay, answer: ProviderAnswer
    ) -> Identity:
        if answer.issuer is not None and answer.issuer != provider.terms.issuer:  # RFC 9207, section 2.4
            raise IdentityProviderFailed("the answer came from another identity provider than the one that was asked")
        if answer.error is not None or not answer.code:
            raise _failed(f"the identity provider let nobody in: {_as_word(answer.error or 'no code')}")
        return await self._providers.redeem(
            provider.terms,
            under_way.challenge,
            code=answer.code,
            client_secret=await self._client_secret(workspace, provider.terms),
            answer_at=self.answer_at,
        )

    async def _member_behind(
        self, about: Workspace, provider: IdentityProvider, identity: Identity, under_way: _UnderWay
    ) -> MemberId:
        if under_way.member is not None:
            await self._records.link(
                about.id, provider, identity, member=under_way.member, generation=under_way.generation
            )
            return under_way.member
        new = MemberId(secrets.token_hex(8))
        for name in names_to_try(identity):
            try:
                return await self._records.let_in(about.id, provider, identity, member=new, name=name, plan=about.plan)
            except Conflict as refused:
                if refused.code != "NAME_TAKEN":
                    raise
        raise Conflict("there are too many people of that name here: ask for an invitation", code="NAME_TAKEN")

    async def _client_secret(self, workspace: WorkspaceId, terms: ProviderTerms) -> str | None:
        return (await self._secrets.values(workspace, terms.secret))[0] if terms.secret else None

    async def _count_sign_in(self, workspace: WorkspaceId, member: MemberId) -> None:
        await count_in_hour(
            self._failures,
            f"single sign-on {workspace} {member}",
            most=_MOST_SIGN_INS,
            policy="sign-ins",
            what="you have signed in too often lately",
        )

    async def _count_failure(self, address: str) -> None:
        with contextlib.suppress(RateLimited):  # the next one is refused ahead of all that costs something
            await self._attempts.count_failure(address)

    async def _note_failure(self, workspace: WorkspaceId, refused: RelayError) -> None:
        """For who can mend it: whoever wanted to sign in cannot, and is told no details."""
        _log.info("single sign-on failed in workspace %s: %s %s", workspace, refused.code, refused.message)
        failure = ProviderFailure(at_ms=self._now_ms(), code=refused.code, message=refused.message)
        await self._records.note_failure(workspace, failure)

    def _seal(self, workspace: WorkspaceId, under_way: _UnderWay) -> str:
        sealed = self._sealing.seal(workspace, _SEALED_AS, orjson.dumps(under_way).decode())
        return base64.urlsafe_b64encode(orjson.dumps([workspace, sealed.key, sealed.text])).decode()

    def _unseal(self, kept: str) -> tuple[WorkspaceId, _UnderWay]:
        """Raises `NotAuthenticated` for what is none of ours, or too old."""
        try:
            workspace, key, text = _parts(kept)
            under_way = _UNDER_WAY.validate_json(
                self._sealing.unseal(WorkspaceId(workspace), _SEALED_AS, Sealed(key, text))
            )
        except (RelayError, ValueError) as unreadable:
            raise _not_begun() from unreadable
        if under_way.until_ms < self._now_ms():
            raise _not_begun()
        return WorkspaceId(workspace), under_way

    def _now_ms(self) -> int:
        return int(self._clock() * 1000)


def _parts(kept: str) -> tuple[str, str, str]:
    found: Any = orjson.loads(base64.urlsafe_b64decode(kept.encode()))
    workspace, key, text = found
    if not all(isinstance(each, str) for each in found):
        raise ValueError("no texts")
    return workspace, key, text


def _require_owner(principal: Principal) -> None:
    if not principal.owns:
        raise NotPermitted("only an owner decides whom an identity provider lets in")


def _require_answer_to(under_way: _UnderWay, answer: ProviderAnswer) -> None:
    """That the browser brings the answer to what it was sent with. Raises `NotAuthenticated`."""
    if not hmac.compare_digest((answer.state or "").encode(), under_way.challenge.state.encode()):
        raise _not_begun()


def _require_path(then: str | None) -> None:
    """A page of the dashboard, and nowhere else. Raises `BadRequest`."""
    if then is None:
        return
    is_path = then.startswith("/") and not then.startswith("//") and len(then) <= _LONGEST_PATH
    if not is_path or "\\" in then or not then.isprintable() or " " in then:
        raise BadRequest("then: a path of the dashboard, as /w/acme/settings is one")


def _as_word(text: str) -> str:
    """What a provider says, in an error: a browser brings it, so that it may be anybody's."""
    return "".join(each for each in text[:60] if each.isascii() and (each.isalnum() or each in "_.- "))


def _failed(why: str) -> NotAuthenticated:
    return NotAuthenticated(why, code="SIGN_IN_FAILED")


def _not_begun() -> NotAuthenticated:
    return _failed("this sign-in was not begun in this browser, or too long ago: begin again")


def _no_single_sign_on() -> NotFound:
    return NotFound("there is no such workspace, or it has no single sign-on", code="NO_SINGLE_SIGN_ON")
