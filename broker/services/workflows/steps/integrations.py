"""Steps that have something done at another service, with a token from the workspace's secrets."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import Any

import orjson

from broker.domain.errors import NotConfigured, NotFound, OutboundFailed, OutboundRefused
from broker.domain.ids import WorkspaceId
from broker.domain.instants import from_ms
from broker.domain.people.access import Permission
from broker.domain.secrets.references import find_reference
from broker.domain.workflows.files.definition import Verification
from broker.domain.workflows.files.integrations import BadParams, Call, check_repository, read_call, take_params
from broker.domain.workflows.runs.effects import effect_id
from broker.domain.workflows.runs.evidence import Evidence
from broker.domain.workflows.runs.journal import AttemptEnded, Outcome
from broker.protocol.github.actions import VERSION, Answer, GithubLimited, GithubRefused, Request, carry_out
from broker.services.ports import ApiCalls
from broker.services.secrets.secrets import SecretReader
from broker.services.workflows.scene import Progress, Scene, name_output
from broker.services.workflows.steps.errands import Errand, ErrandEnd, Errands, Hold
from broker.services.workflows.verdicts import unmet

_MOST_BYTES = 8 * 1024 * 1024
"""Of an answer: a page of issues with long texts."""
_LEAST_WAIT_MS, _MOST_WAIT_MS = 60_000, 86_400_000
_AGAIN_MS = 5_000
"""Between two looks at an errand, should whoever does it have died; each that ends is looked at anyway."""
_LEEWAY = timedelta(hours=1)
"""Between the store's clock and GitHub's."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Wanted:
    """What is to be done for one attempt: nothing of it changes while its run goes on."""

    workspace: WorkspaceId
    action: str
    call: Call
    marker: str
    since: str
    conditions: Sequence[Verification]


class Integrations:
    """Has such steps done by errands: one request after the other, each by the guarded client."""

    def __init__(self, errands: Errands, calls: ApiCalls, secrets: SecretReader, *, github_url: str) -> None:
        self._errands = errands
        self._calls = calls
        self._secrets = secrets
        self._github_url = github_url.rstrip("/")

    async def carry(self, scene: Scene, name: str) -> Progress:
        """Have it done, or find how that has ended. What an earlier attempt has done already is not done again."""
        standing = scene.standing(name)
        place = scene.workspace, scene.row.id, effect_id(scene.row.id, name, standing.attempt)
        told = await scene.records.errand_end(*place)
        if told is not None:
            return _report(scene, name, orjson.loads(told))
        if standing.stopping is not None:
            return await self._stop(scene, name, standing.stopping)
        if Permission.ADMINISTER not in scene.by.permissions:
            who = "who has started the run does not administer the workspace, whose secrets this step would use"
            return _report(scene, name, _failure(who))
        if not self._errands.knows(place[2]):
            try:
                wanted = await _want(scene, name)
            except BadParams as refused:
                return _report(scene, name, _failure(str(refused)))
            self._errands.put(Errand(workspace=place[0], run=place[1], effect=place[2], work=partial(self._do, wanted)))
        return Progress(look_at_ms=scene.now_ms + _AGAIN_MS)

    async def _stop(self, scene: Scene, name: str, reason: str) -> Progress:
        """A request that is under way may still make something: its end is waited for."""
        failure = _failure(reason)
        effect = effect_id(scene.row.id, name, scene.standing(name).attempt)
        told = orjson.dumps(failure).decode()
        left_ms = await scene.records.stop_errand(scene.workspace, scene.row.id, effect, told)
        return Progress(look_at_ms=scene.now_ms + left_ms) if left_ms else _report(scene, name, failure)

    async def _do(self, wanted: _Wanted, hold: Hold) -> ErrandEnd:
        try:
            output = await self._make(wanted, hold)
        except GithubLimited as limited:
            until = {"resets_at_s": limited.resets_at_s, "retry_after_s": limited.retry_after_s}
            return _tell({"outcome": Outcome.QUOTA, "reason": str(limited), **until})
        except (BadParams, GithubRefused) as refused:
            return _tell(_failure(str(refused)))
        except (NotFound, NotConfigured, OutboundRefused, OutboundFailed) as refused:
            return _tell(_failure(refused.message))
        said = unmet(wanted.conditions, Evidence(output=output))
        outcome = Outcome.SUCCEEDED if said is None else Outcome.REJECTED
        kept, outputs = name_output(output) if output else ("", {})
        return _tell({"outcome": outcome, "reason": said or "", "output": kept}, outputs)

    async def _make(self, wanted: _Wanted, hold: Hold) -> str:
        check_repository(wanted.call.repository)
        asking = carry_out(
            wanted.action,
            repository=wanted.call.repository,
            params=take_params(wanted.action, wanted.call.params),
            marker=wanted.marker,
            since=wanted.since,
        )
        [token, *_] = await self._secrets.values(wanted.workspace, find_reference(wanted.call.token) or "")
        try:
            request = next(asking)
            while True:
                await hold()
                request = asking.send(await self._ask(request, token=token))
        except StopIteration as ended:
            return _show(ended.value, wanted.call.output)

    async def _ask(self, request: Request, *, token: str) -> Answer:
        answer = await self._calls.call(
            request.method,
            self._github_url + request.path,
            body=None if request.body is None else orjson.dumps(request.body),
            headers={
                "authorization": f"Bearer {token}",
                "accept": "application/vnd.github+json",
                "content-type": "application/json",
                "x-github-api-version": VERSION,
            },
            most=_MOST_BYTES,
        )
        headers = {key.lower(): each for key, each in answer.headers.items()}
        return Answer(status=answer.status, data=_parse(answer.body), headers=headers)


async def _want(scene: Scene, name: str) -> _Wanted:
    entry = scene.entry(name)
    return _Wanted(
        workspace=scene.workspace,
        action=entry.action or "",
        call=await _fill(scene, read_call(entry.params)),
        marker=_marker(scene, name),
        since=f"{from_ms(scene.row.started_at_ms) - _LEEWAY:%Y-%m-%dT%H:%M:%SZ}",
        conditions=entry.conditions,
    )


def _marker(scene: Scene, name: str) -> str:
    """The same in each attempt of a round, so that one that follows an unknown end finds what that has made."""
    return f"<!-- relaycast: {effect_id(scene.row.id, name, scene.standing(name).round)} -->"


async def _fill(scene: Scene, call: Call) -> Call:
    return Call(
        repository=await scene.fill_in(call.repository),
        token=call.token,
        params={key: await _fill_value(scene, each) for key, each in call.params.items()},
        output=call.output,
    )


async def _fill_value(scene: Scene, value: Any) -> Any:
    if isinstance(value, str):
        return await scene.fill_in(value)
    if isinstance(value, list):
        return [await _fill_value(scene, each) for each in value]
    return value


def _parse(body: bytes) -> Any:
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError:
        return None


def _show(found: Any, output: Mapping[str, Any]) -> str:
    """What the next steps are given, as JSON: all of it, or what `path` leads to; a text as such where that is said."""
    for part in str(output.get("path") or "").split(".") if output.get("path") else ():
        if isinstance(found, list):
            found = found[int(part)] if part.isdecimal() and int(part) < len(found) else None
        else:
            found = found.get(part) if isinstance(found, dict) else None
    if output.get("format") == "text" and isinstance(found, str):
        return found
    return orjson.dumps(found).decode()


def _ends_at(told: Mapping[str, Any], *, now_ms: int) -> int:
    """When its limit is over, as GitHub says, between a minute and a day from now."""
    after_s: int | None = told["retry_after_s"]
    resets_at_s: int | None = told["resets_at_s"]
    at_ms = (resets_at_s or 0) * 1000 if after_s is None else now_ms + after_s * 1000
    return min(max(at_ms, now_ms + _LEAST_WAIT_MS), now_ms + _MOST_WAIT_MS)


def _failure(reason: str) -> dict[str, Any]:
    return {"outcome": Outcome.FAILED, "reason": reason}


def _tell(told: Mapping[str, Any], outputs: Mapping[str, str] | None = None) -> ErrandEnd:
    return ErrandEnd(told=orjson.dumps(told).decode(), outputs=outputs or {})


def _report(scene: Scene, name: str, told: Mapping[str, Any]) -> Progress:
    """The end of the attempt, as its errand told of it; the output that it names is kept already."""
    outcome = Outcome(told["outcome"])
    fact = AttemptEnded(
        step=name,
        attempt=scene.standing(name).attempt,
        outcome=outcome,
        reason=told["reason"],
        output=told.get("output", ""),
        retry_at_ms=_ends_at(told, now_ms=scene.now_ms) if outcome is Outcome.QUOTA else None,
    )
    return Progress(fact=fact)
