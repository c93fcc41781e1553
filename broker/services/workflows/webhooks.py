"""Steps that wait to be called from outside: the address of each, and what comes there."""

from __future__ import annotations

import orjson

from broker.domain.errors import BadRequest, NotFound, TooLarge
from broker.domain.ids import WorkflowRunId, WorkspaceId
from broker.domain.timings import TIMINGS
from broker.domain.workflows.files.waits import waits_for_webhook
from broker.domain.workflows.runs.effects import effect_id
from broker.domain.workflows.runs.run import fold
from broker.domain.workflows.runs.steps import StepRun
from broker.services.people.attempts import Attempts
from broker.services.ports import SignInCodes, WebhookTokens, WorkflowRecords
from broker.services.workflows.definitions import Definitions

WEBHOOKS = "/v1/workflows/webhooks"
"""The path that all addresses begin with."""
NO_KEY = "this broker has no key to make addresses for webhooks with: set RELAYCAST_SECRET_KEY"
_JSON = ("application/json", "+json")
_TEXT = ("text/", "application/x-www-form-urlencoded")


class WebhookAddresses:
    """Where steps are called."""

    def __init__(self, tokens: WebhookTokens, *, public_url: str) -> None:
        self._tokens = tokens
        self._public_url = public_url

    def of(self, workspace: WorkspaceId, run: WorkflowRunId, step: str, standing: StepRun) -> str | None:
        """The address of the attempt under way, else of the one that comes next; None: this broker has no key.

        Each attempt has its own, so that what comes too late for one is not taken for what the next waits for.
        """
        effect = effect_id(run, step, open_attempt(standing))
        token = self._tokens.make(workspace, run, effect)
        return token and f"{self._public_url}{WEBHOOKS}/{workspace}/{run}/{effect}/{token}"


def open_attempt(standing: StepRun) -> int:
    """The number of the attempt under way, else of the one that comes next."""
    return standing.attempt if standing.state.under_way else standing.attempt + 1


class Webhooks:
    """Takes what comes there. Whoever has an address may end that one wait, once, and nothing else."""

    def __init__(
        self, records: WorkflowRecords, definitions: Definitions, *, tokens: WebhookTokens, failures: SignInCodes
    ) -> None:
        self._records = records
        self._definitions = definitions
        self._tokens = tokens
        self._attempts = Attempts(failures)

    async def require_good(
        self, workspace: WorkspaceId, run: WorkflowRunId, effect: str, *, token: str, address: str
    ) -> None:
        """Ahead of reading what somebody sends. Raises `NotFound` (WEBHOOK_NOT_FOUND), `RateLimited`."""
        if not self._tokens.is_good(token, workspace, run, effect):
            await self._attempts.count_failure(address)
            raise _not_found()

    async def deliver(self, workspace: WorkspaceId, run: WorkflowRunId, effect: str, *, text: str) -> None:
        """Keep it for the step, which may begin later; the same again does nothing.

        Raises `NotFound` (WEBHOOK_NOT_FOUND), `Conflict` (WEBHOOK_USED, RUN_ENDED, RUN_FULL).
        """
        if await self._records.delivered(workspace, run, effect) != text:
            await self._require_open(workspace, run, effect)
        await self._records.deliver(workspace, run, effect, text)

    async def _require_open(self, workspace: WorkspaceId, run: WorkflowRunId, effect: str) -> None:
        row = await self._records.row(workspace, run)
        if row is None:
            raise _not_found()
        definition = await self._definitions.get(workspace, row.definition, row.workflow)
        folded = fold(definition.workflow, await self._records.journal(workspace, run))
        waiting = [each.name for each in definition.entry.steps if waits_for_webhook(each.wait_for)]
        known = {effect_id(run, name, open_attempt(folded.steps[name])) for name in waiting if name in folded.steps}
        if effect not in known:
            raise _not_found()


def read_delivery(body: bytes, content_type: str) -> str:
    """What was sent, as the step's output: JSON or text, in UTF-8.

    Raises `TooLarge`, and `BadRequest` for what is neither.
    """
    if len(body) > TIMINGS.workflow_output_bytes:
        raise TooLarge(f"the body is larger than {TIMINGS.workflow_output_bytes} bytes")
    kind = content_type.partition(";")[0].strip().lower()
    if kind and not kind.startswith(_TEXT) and not kind.endswith(_JSON):
        raise BadRequest(f"{kind[:100]}: what is sent here is JSON or text")
    try:
        text = body.decode()
        if kind.endswith(_JSON):
            orjson.loads(body)
    except ValueError as error:
        raise BadRequest(f"the body is no {'JSON' if kind.endswith(_JSON) else 'text in UTF-8'}: {error}") from None
    return text


def _not_found() -> NotFound:
    return NotFound("nothing waits at this address", code="WEBHOOK_NOT_FOUND")
