"""Steps that have something done at another service, with a token from the workspace's secrets."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import orjson

from broker.domain.errors import NotConfigured, NotFound, OutboundFailed, OutboundRefused
from broker.domain.instants import from_ms
from broker.domain.people.access import Permission
from broker.domain.secrets.references import find_reference
from broker.domain.workflows.files.integrations import BadParams, Call, check_repository, read_call, take_params
from broker.domain.workflows.runs.effects import effect_id
from broker.domain.workflows.runs.evidence import Evidence
from broker.domain.workflows.runs.journal import AttemptEnded, Outcome
from broker.protocol.github.actions import VERSION, Answer, GithubLimited, GithubRefused, Request, carry_out
from broker.services.ports import ApiCalls
from broker.services.secrets.secrets import SecretReader
from broker.services.workflows.scene import Progress, Scene, name_output
from broker.services.workflows.verdicts import unmet

_MOST_BYTES = 8 * 1024 * 1024
"""Of an answer: a page of issues with long texts."""
_LEAST_WAIT_MS, _MOST_WAIT_MS = 60_000, 86_400_000
_LEEWAY = timedelta(hours=1)
"""Between the store's clock and GitHub's."""


class Integrations:
    """Carries such steps out, one request after the other, each by the guarded client."""

    def __init__(self, calls: ApiCalls, secrets: SecretReader, *, github_url: str) -> None:
        self._calls = calls
        self._secrets = secrets
        self._github_url = github_url.rstrip("/")

    async def carry(self, scene: Scene, name: str) -> Progress:
        """Do it, or find what an earlier look or attempt has done already."""
        standing = scene.standing(name)
        if standing.stopping is not None:
            return _report_end(scene, name, Outcome.FAILED, standing.stopping)
        if Permission.ADMINISTER not in scene.by.permissions:
            who = "who has started the run does not administer the workspace, whose secrets this step would use"
            return _report_end(scene, name, Outcome.FAILED, who)
        try:
            call = await _fill(scene, read_call(scene.entry(name).params))
            output = await self._do(scene, name, call)
        except GithubLimited as limited:
            at_ms = _ends_at(limited, now_ms=scene.now_ms)
            return _report_end(scene, name, Outcome.QUOTA, str(limited), retry_at_ms=at_ms)
        except (BadParams, GithubRefused) as refused:
            return _report_end(scene, name, Outcome.FAILED, str(refused))
        except (NotFound, NotConfigured, OutboundRefused, OutboundFailed) as refused:
            return _report_end(scene, name, Outcome.FAILED, refused.message)
        said = unmet(scene.entry(name).conditions, Evidence(output=output))
        outcome = Outcome.SUCCEEDED if said is None else Outcome.REJECTED
        return _report_end(scene, name, outcome, said or "", output=output)

    async def _do(self, scene: Scene, name: str, call: Call) -> str:
        check_repository(call.repository)
        action = scene.entry(name).action or ""
        asking = carry_out(
            action,
            repository=call.repository,
            params=take_params(action, call.params),
            marker=_marker(scene, name),
            since=f"{from_ms(scene.row.started_at_ms) - _LEEWAY:%Y-%m-%dT%H:%M:%SZ}",
        )
        [token, *_] = await self._secrets.values(scene.workspace, find_reference(call.token) or "")
        try:
            request = next(asking)
            while True:
                request = asking.send(await self._ask(request, token=token))
        except StopIteration as ended:
            return _show(ended.value, call.output)

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


def _ends_at(limited: GithubLimited, *, now_ms: int) -> int:
    """When its limit is over, as GitHub says, between a minute and a day from now."""
    if limited.retry_after_s is not None:
        at_ms = now_ms + limited.retry_after_s * 1000
    else:
        at_ms = (limited.resets_at_s or 0) * 1000
    return min(max(at_ms, now_ms + _LEAST_WAIT_MS), now_ms + _MOST_WAIT_MS)


def _report_end(
    scene: Scene, name: str, outcome: Outcome, reason: str, *, output: str = "", retry_at_ms: int | None = None
) -> Progress:
    kept, outputs = name_output(output) if output else ("", {})
    attempt = scene.standing(name).attempt
    fact = AttemptEnded(
        step=name, attempt=attempt, outcome=outcome, reason=reason, output=kept, retry_at_ms=retry_at_ms
    )
    return Progress(fact=fact, outputs=outputs)
