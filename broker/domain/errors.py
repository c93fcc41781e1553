"""Every refusal a caller can meet, each with a stable code.

RelayError
├── BadRequest            INVALID_ARGUMENT, BAD_SIGNATURE, INVALID_NAME, INVALID_ADDRESS, INVALID_QUERY, INVALID_RULE,
│                         INVALID_HOOKS, INVALID_WORKFLOW, RESULT_REFUSED, TOO_LARGE, TOO_MANY_SECRETS,
│                         WORKSPACE_REQUIRED, NOT_ROTATED
├── NotAuthenticated      UNAUTHENTICATED, TOKEN_REVOKED, SUSPENDED, SIGN_IN_FAILED, SSO_REQUIRED,
│                         ENROLMENT_FAILED, WORKSPACE_ARCHIVED, …
├── NotPermitted          NOT_PERMITTED, ORIGIN_REFUSED, OWNER_REMOVED
├── NotFound              SESSION_NOT_FOUND, AGENT_NOT_FOUND, MESSAGE_NOT_FOUND, APPROVAL_NOT_FOUND,
│                         SECRET_NOT_FOUND, HOOK_NOT_FOUND, MACHINE_NOT_FOUND, RUN_NOT_FOUND, STEP_NOT_FOUND,
│                         DEFINITION_NOT_FOUND, NO_SUBSCRIPTION, GROUP_NOT_FOUND, INVITATION_NOT_FOUND,
│                         SERVICE_ACCOUNT_NOT_FOUND, CODE_NOT_FOUND, WEBHOOK_NOT_FOUND, TRAIL_NOT_FOUND, …
├── Conflict              NAME_TAKEN, APPROVAL_ALREADY_ANSWERED, APPROVAL_GONE, CHOOSE_OPTION, STOPPED,
│                         RUN_ENDED, RUN_GOES_ON, RUN_NOT_RESUMABLE, STEP_NOT_RETRYABLE, STEP_NOT_SKIPPABLE,
│                         TOO_MANY_RUNS, RUNS_TOO_DEEP, ALREADY_MADE, NO_AGENT_THERE, ACCESS_CHANGED, ALREADY_ON_PLAN,
│                         PAYMENT_OVERDUE, PAYMENT_REFUSED, ALREADY_A_MEMBER, TOO_MANY_INVITATIONS, TOKEN_ROTATED,
│                         TOO_MANY_SERVICE_ACCOUNTS, TOO_MANY_CODES, TOO_MANY_TRAILS, RUN_FULL, WEBHOOK_USED, …
├── PlanLimitReached      PLAN_LIMIT
├── RateLimited           RATE_LIMITED
├── NoPlacement           NO_PROXY, CLI_MISSING, VERSION_NOT_SUPPORTED, PROGRAM_NOT_ALLOWED, POLICY_CHANGED,
│                         NO_WORKTREES, NO_READONLY, NO_FILE_LIMITS
├── SpawnFailed           SPAWN_FAILED
├── Fenced                FENCED
├── NotConfigured         LOG_STORE_NOT_CONFIGURED, SECRET_KEY_NOT_CONFIGURED, SECRET_KEY_MISSING, NO_DESKTOP,
│                         BILLING_NOT_CONFIGURED
├── OutboundRefused       OUTBOUND_NOT_ALLOWED, OUTBOUND_INSECURE, OUTBOUND_BAD_URL
├── OutboundFailed        OUTBOUND_FAILED, OUTBOUND_TIMEOUT, OUTBOUND_NOT_FOUND
├── IdentityProviderFailed IDENTITY_PROVIDER_FAILED
└── Unavailable           STORE_UNAVAILABLE, DRAINING, COMMANDS_LOST, BILLING_UNAVAILABLE

`code` never changes once published; `message` is for people and says what to do next.
"""

from __future__ import annotations

import math
from dataclasses import dataclass


class RelayError(Exception):
    """A refusal with a stable `code`, a `message` a person can act on, and whether trying again can help."""

    code = "INTERNAL"
    retryable = False
    http_status = 500

    def __init__(
        self,
        message: str,
        *,
        code: str | None = None,
        retry_after_s: float | None = None,
        details: dict[str, object] | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.code = code or type(self).code
        self.retry_after_s = retry_after_s
        self._details = details or {}

    @property
    def details(self) -> dict[str, object]:
        """What programs may want to know beyond the code."""
        return self._details


class BadRequest(RelayError):
    """The caller's input is wrong; nothing was changed."""

    code = "INVALID_ARGUMENT"
    http_status = 400


class TooLarge(BadRequest):
    """More was sent than is read; the message says how much that is."""

    code = "TOO_LARGE"
    http_status = 413


class NotAuthenticated(RelayError):
    """No token, or one that is unknown, revoked or expired."""

    code = "UNAUTHENTICATED"
    http_status = 401


class NotPermitted(RelayError):
    """The token is good, but not for this."""

    code = "NOT_PERMITTED"
    http_status = 403


class NotFound(RelayError):
    """No such thing in the caller's workspace."""

    code = "NOT_FOUND"
    http_status = 404


class Conflict(RelayError):
    """The thing exists, or somebody was first."""

    code = "CONFLICT"
    http_status = 409


class AccessChanged(Conflict):
    """The caller's access has changed since it was read; nothing was changed. Asked again, it is read again."""

    code = "ACCESS_CHANGED"
    retryable = True


class PlanLimitReached(RelayError):
    """The workspace's plan allows no more of something, or has it not. Waiting a moment does not help.

    `details` has `what` it is, the `limit` (None: the plan has it not at all), the `plan`, the `plan_with_more` (None:
    no plan has), the `link` to change it, and `resets_at_ms` where it begins anew by itself.
    """

    code = "PLAN_LIMIT"
    http_status = 402


@dataclass(frozen=True, slots=True, kw_only=True)
class RateLimit:
    """How much may be asked in which time, and how much of that is left."""

    policy: str
    """Its name."""
    quota: int
    window_s: int
    remaining: int
    reset_s: float
    """Until all of the quota is there again."""

    @property
    def headers(self) -> dict[str, str]:
        """For HTTP, as draft-ietf-httpapi-ratelimit-headers-10 has them."""
        return {
            "RateLimit-Policy": f'"{self.policy}";q={self.quota};w={self.window_s}',
            "RateLimit": f'"{self.policy}";r={max(0, self.remaining)};t={max(0, math.ceil(self.reset_s))}',
        }


class RateLimited(RelayError):
    """Too many in too short a time; `retry_after_s` says when to go on, and `limit` what the limit is, where it is one
    of time.
    """

    code = "RATE_LIMITED"
    retryable = True
    http_status = 429

    def __init__(
        self,
        message: str,
        *,
        code: str | None = None,
        retry_after_s: float | None = None,
        details: dict[str, object] | None = None,
        limit: RateLimit | None = None,
    ) -> None:
        super().__init__(message, code=code, retry_after_s=retry_after_s, details=details)
        self.limit = limit


class NoPlacement(RelayError):
    """No connected machine can run the agent that was asked for."""

    code = "NO_PROXY"
    retryable = True
    http_status = 409


class SpawnFailed(RelayError):
    """The agent was started but did not become ready; the message carries its own last words."""

    code = "SPAWN_FAILED"
    http_status = 502


class Fenced(RelayError):
    """A newer connection or process has taken over; the old one must stop."""

    code = "FENCED"
    http_status = 409


class NotConfigured(RelayError):
    """This broker runs without the part that the caller needs; the message says how to get it."""

    code = "LOG_STORE_NOT_CONFIGURED"
    http_status = 501


class OutboundRefused(RelayError):
    """The broker does not call that; nothing was sent."""

    code = "OUTBOUND_NOT_ALLOWED"
    http_status = 403


class OutboundFailed(RelayError):
    """Another service gave no answer; whether it has read what was sent is not known."""

    code = "OUTBOUND_FAILED"
    retryable = True
    http_status = 502


class IdentityProviderFailed(RelayError):
    """What a workspace's identity provider has said cannot be used, or is not believed."""

    code = "IDENTITY_PROVIDER_FAILED"
    http_status = 502


class Unavailable(RelayError):
    """The store or the broker is away for the moment; nothing was changed."""

    code = "STORE_UNAVAILABLE"
    retryable = True
    http_status = 503
