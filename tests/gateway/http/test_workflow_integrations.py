"""Steps of type integration: what they have done at GitHub, once, and what is said where they cannot."""

from __future__ import annotations

import asyncio
import contextlib
import re
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from typing import Any, cast

import orjson
import pytest
import pytest_asyncio
from redis.asyncio import Redis

from broker.adapters.redis import keys
from broker.app import build_driver, build_workflows
from broker.services.workflows.driver import Driver
from broker.services.workflows.steps.errands import Errands
from broker.settings import Settings
from tests.fixtures.callers import a_caller
from tests.fixtures.gateway import SECRET_KEY, Gateway
from tests.fixtures.github_double import TOKEN, GithubDouble, github_double
from tests.gateway.http.test_workflow_waits import look, make_due, shown
from tests.gateway.http.test_workflows import RUNS, states, until

FILE = """\
version: "1.0"
name: release
swarm: { pattern: dag }
vars: { what: tea }
workflows:
  - name: release
    steps: [%s]
"""


def a_file(*steps: str) -> str:
    return FILE % ", ".join(f"{{type: integration, integration: github, {each}}}" for each in steps)


ISSUE = """name: tell, action: createIssue, retries: 2, backoff: {initialMs: 0},
  params: {repo: team/shop, title: "More {{what}}", body: hello, assignee: ada, labels: [kitchen]}"""


@pytest_asyncio.fixture(loop_scope="session")
async def github() -> AsyncIterator[GithubDouble]:
    async with github_double() as double:
        yield double


@contextlib.asynccontextmanager
async def a_driver(gateway: Gateway, github: GithubDouble) -> AsyncIterator[Driver]:
    """One of a process of its own, that does errands beside."""
    settings = Settings(secret_keys=(SECRET_KEY,), github_url=github.url, allow_outbound=("127.0.0.0/8",))
    errands = Errands(gateway.adapters.workflows)
    doing = asyncio.create_task(errands.run())
    try:
        yield build_driver(settings, gateway.adapters, errands=errands)
    finally:
        doing.cancel()
        await asyncio.gather(doing, return_exceptions=True)


async def begun(gateway: Gateway, text: str, **caller: Any) -> str:
    await gateway.ok("POST", "/v1/sessions", {"name": "main"})
    return str((await gateway.ok("POST", RUNS, {"text": text, "session": "main"}, **caller))["id"])


async def finished(gateway: Gateway, github: GithubDouble, run: str) -> dict[str, Any]:
    async with asyncio.timeout(20), a_driver(gateway, github) as driver:
        return await looked_until(gateway, driver, run, lambda found: found["state"] in {"completed", "failed"})


async def looked_until(
    gateway: Gateway, driver: Driver, run: str, over: Callable[[dict[str, Any]], bool], *, after_ms: int = 0
) -> dict[str, Any]:
    """The run once that holds, looked at again and again."""
    while not over(found := await shown(gateway, run)):
        await make_due(gateway, run)
        await look(gateway, driver, after_ms=after_ms)
    return found


async def pass_leases(gateway: Gateway, run: str) -> None:
    """As the passing of the time would, of errands whose process is gone."""
    redis = cast(Redis, gateway.adapters.redis)
    names = [each async for each in redis.scan_iter(match=keys.key(gateway.workspace, "errand", run, "*"))]
    assert names
    await redis.delete(*names)


async def set_token(gateway: Gateway, value: str = TOKEN) -> None:
    await gateway.ok("POST", "/v1/secrets", {"name": "GITHUB_TOKEN", "value": value})


async def test_a_branch_a_pull_request_and_a_comment_are_made_and_handed_on(
    gateway: Gateway, github: GithubDouble
) -> None:
    await set_token(gateway)
    text = a_file(
        "name: branch, action: createBranch, params: {owner: team, repo: shop, branch: 'feature/{{what}}'}",
        """name: open, dependsOn: [branch], action: createPR, params: {repo: team/shop, output: '{"path": "number"}',
          params: '{"title": "Add {{what}}", "head": "feature/{{what}}", "base": "main", "draft": true}'}""",
        """name: note, dependsOn: [open], action: addComment,
          params: {repo: team/shop, issueNumber: "{{steps.open.output}}", body: ready}""",
        """name: merge, dependsOn: [note], action: mergePR,
          params: {repo: team/shop, pullNumber: "{{steps.open.output}}",
            mergeMethod: squash, output: {path: merged}}""",
    )
    run = await begun(gateway, text)
    found = await finished(gateway, github, run)
    assert found["state"] == "completed", found
    assert github.refs["feature/tea"] == github.refs["main"]
    [pull] = github.pulls.values()
    assert (pull["title"], pull["draft"], pull["merged"]) == ("Add tea", True, True)
    assert github.comments[1][0]["body"].startswith("ready\n\n<!-- relaycast: ")
    output = await gateway.ok("GET", f"{RUNS}/{run}/steps/merge/output")
    assert orjson.loads(output["text"] if "text" in output else output["output"]) is True


async def test_an_answer_that_is_lost_makes_nothing_twice(gateway: Gateway, github: GithubDouble) -> None:
    await set_token(gateway)
    github.losing = 1
    run = await begun(gateway, a_file(ISSUE))
    found = await finished(gateway, github, run)
    assert found["state"] == "completed", found
    [issue] = github.issues.values()
    assert (issue["title"], issue["assignees"], issue["labels"]) == ("More tea", ["ada"], ["kitchen"])
    assert github.calls.count("POST issues") == 1


async def test_a_worker_that_dies_behind_its_request_leaves_one_issue(gateway: Gateway, github: GithubDouble) -> None:
    await set_token(gateway)
    run = await begun(gateway, a_file(ISSUE))
    made, over = asyncio.Event(), asyncio.Event()

    async def hold_back_the_answer() -> None:
        made.set()
        await over.wait()

    github.changed = hold_back_the_answer
    async with asyncio.timeout(20), a_driver(gateway, github) as dying:
        await make_due(gateway, run)
        await look(gateway, dying)
        await made.wait()
    over.set()
    await pass_leases(gateway, run)
    found = await finished(gateway, github, run)
    assert found["state"] == "completed", found
    assert len(github.issues) == 1


async def test_attempts_are_bounded_and_say_what_github_said(gateway: Gateway, github: GithubDouble) -> None:
    await set_token(gateway)
    params = "params: {repo: team/shop, title: x, head: nowhere, base: main}"
    run = await begun(gateway, a_file(f"name: s, action: createPR, retries: 2, backoff: {{initialMs: 0}}, {params}"))
    found = await finished(gateway, github, run)
    assert found["state"] == "failed"
    [step] = found["steps"]
    assert step["attempt"] == 3
    assert step["reason"] == "GitHub answered 422: Validation Failed; invalid"


async def test_a_rate_limit_is_waited_for_as_long_as_github_says_and_costs_no_attempt(
    gateway: Gateway, github: GithubDouble
) -> None:
    await set_token(gateway)
    github.limited, github.resets_at_s = 1, int(time.time()) + 3600
    run = await begun(gateway, a_file(ISSUE.replace("retries: 2", "retries: 0")))
    async with asyncio.timeout(20), a_driver(gateway, github) as driver:
        found = await looked_until(gateway, driver, run, lambda found: found["steps"][0]["state"] == "waiting_quota")
    [step] = found["steps"]
    assert (step["state"], step["until_ms"]) == ("waiting_quota", github.resets_at_s * 1000)
    assert "GitHub's rate limit is reached: API rate limit exceeded" in step["reason"]
    async with asyncio.timeout(20), a_driver(gateway, github) as driver:
        await looked_until(gateway, driver, run, lambda found: found["state"] == "completed", after_ms=3_601_000)
    assert len(github.issues) == 1


async def test_a_branch_that_is_elsewhere_already_is_not_moved(gateway: Gateway, github: GithubDouble) -> None:
    await set_token(gateway)
    github.refs["feature"] = "c" * 40
    params = "params: {repo: team/shop, branch: feature}"
    run = await begun(gateway, a_file(f"name: b, action: createBranch, retries: 0, {params}"))
    found = await finished(gateway, github, run)
    assert "there is a branch feature already, at cccccccccccc, not at main" in found["steps"][0]["reason"]
    assert github.refs["feature"] == "c" * 40


@pytest.mark.parametrize(("token", "says"), [(None, "there is no secret 'GITHUB_TOKEN'"), ("x", "does not accept")])
async def test_without_a_token_that_is_good_nothing_is_done(
    gateway: Gateway, github: GithubDouble, token: str | None, says: str
) -> None:
    if token:
        await set_token(gateway, token)
    run = await begun(gateway, a_file(ISSUE.replace("retries: 2", "retries: 0")))
    found = await finished(gateway, github, run)
    assert (found["state"], github.calls) == ("failed", [])
    assert says in found["steps"][0]["reason"]


async def test_who_does_not_administer_uses_no_secret(gateway: Gateway, github: GithubDouble) -> None:
    await set_token(gateway)
    async with gateway.machine() as machine:
        member = await a_caller(gateway, machine, "member")
        run = await begun(gateway, a_file(ISSUE.replace("retries: 2", "retries: 0")), token=member.token)
    found = await finished(gateway, github, run)
    assert (found["state"], github.calls) == ("failed", [])
    assert "does not administer the workspace" in found["steps"][0]["reason"]


@pytest.mark.parametrize(
    ("step", "says"),
    [
        (
            "action: createRelease, params: {repo: a/b}",
            "nobody carries out createRelease .* github has getRepo",
        ),
        ("action: createPr, params: {repo: a/b}", 'did you mean "createPR"'),
        ("action: createIssue", "write the repository as owner/name"),
        ("action: createIssue, params: {repo: a/b}", 'createIssue needs "title"'),
        (
            "action: createIssue, params: {repo: a/b, title: x, colour: red}",
            'no parameter "colour": it has title',
        ),
        ("action: closeIssue, params: {repo: a/b, issueNumber: first}", "issueNumber is a number"),
        ("action: createIssue, params: {repo: a/b, title: x, token: ghp_1}", "a token is a secret of the workspace"),
        (
            "action: createIssue, params: {repo: a/b, params: '{{{steps.x.output}}}'}",
            "a placeholder stands within",
        ),
        ("action: mergePR, params: {repo: a/b, pullNumber: 1, mergeMethod: mix}", "one of merge, squash, rebase"),
        ("action: getPR, params: {repo: ../x/b, pullNumber: 1}", "write the repository as owner/name"),
        ("action: getPR, params: {repo: a/b, pullNumber: 1, output: {mode: raw}}", '"mode" of output is not supported'),
    ],
)
async def test_what_cannot_be_carried_out_is_refused_with_line_and_column(
    gateway: Gateway, step: str, says: str
) -> None:
    text = a_file(f"name: s, {step}")
    answer = await gateway.call("POST", RUNS, {"text": text})
    assert answer.status_code == 400, answer.text
    assert re.search(rf"^line 7(, column \d+)?: .*{says}", answer.json()["error"]["message"]), answer.text


@dataclass(slots=True)
class SilentHost:
    """Takes connections and says nothing, until it hangs up on all of them."""

    url: str = ""
    open: set[asyncio.StreamWriter] = field(default_factory=set)
    asked: int = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.open.add(writer)
        self.asked += 1
        with contextlib.suppress(ConnectionError):
            await reader.read()
        self.open.discard(writer)
        writer.close()

    def hang_up(self) -> None:
        for each in self.open:
            each.transport.abort()


@pytest_asyncio.fixture(loop_scope="session")
async def silent() -> AsyncIterator[SilentHost]:
    host = SilentHost()
    server = await asyncio.start_server(host.serve, "127.0.0.1", 0)
    host.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    try:
        yield host
    finally:
        host.hang_up()
        server.close()


@contextlib.asynccontextmanager
async def a_worker(gateway: Gateway, url: str) -> AsyncIterator[None]:
    settings = Settings(secret_keys=(SECRET_KEY,), github_url=url, allow_outbound=("127.0.0.0/8",))
    task = asyncio.create_task(build_workflows(settings, gateway.adapters).run())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


CHAIN = "{name: first, waitFor: {durationMs: 0}}, {name: last, waitFor: {durationMs: 0}, dependsOn: [first]}"
SIX = [f"name: ask{number}, action: getRepo, retries: 0, params: {{repo: team/shop}}" for number in range(6)]


async def test_a_host_that_says_nothing_holds_up_no_other_branch_and_no_other_run(
    gateway: Gateway, silent: SilentHost
) -> None:
    """It is not waited for with a clock: it hangs for as long as the others need."""
    await set_token(gateway)
    text = a_file(*SIX).replace("]\n", f", {CHAIN}]\n").replace("dag }", "dag, maxConcurrency: 20 }")
    async with a_worker(gateway, silent.url), asyncio.timeout(60):
        stuck = await begun(gateway, text)
        while silent.asked < 4:
            await asyncio.sleep(0.01)
        other = await begun(gateway, FILE % CHAIN)
        assert (await until(gateway, other, "completed", "failed"))["state"] == "completed"
        while states(found := await shown(gateway, stuck))["last"] != "completed":
            await asyncio.sleep(0.02)
        assert {states(found)[f"ask{number}"] for number in range(6)} == {"running"}
        assert (silent.asked, len(silent.open)) == (4, 4), "of one run there are four at once"


async def test_a_run_that_is_cancelled_ends_behind_its_requests_and_makes_no_others(
    gateway: Gateway, silent: SilentHost
) -> None:
    await set_token(gateway)
    async with a_worker(gateway, silent.url), asyncio.timeout(60):
        run = await begun(gateway, a_file(*SIX).replace("dag }", "dag, maxConcurrency: 20 }"))
        while silent.asked < 4:
            await asyncio.sleep(0.01)
        await gateway.ok("POST", f"{RUNS}/{run}/cancel")
        while [*states(await shown(gateway, run)).values()].count("running") > 4:
            await asyncio.sleep(0.02)
        silent.hang_up()
        found = await until(gateway, run, "cancelled")
        assert "running" not in states(found).values()
        assert silent.asked == 4
