"""Files that people send: hooks, workflows, plans. Each is read, or every problem is a sentence with its place."""

from collections.abc import Sequence
from pathlib import Path

import orjson
import pytest
import yaml

from broker.domain.errors import BadRequest
from broker.protocol.hooks_yaml.reader import read_hooks
from broker.protocol.plans_yaml import read_plans
from broker.protocol.relay_yaml.reader import read_workflow_file
from broker.protocol.relay_yaml.writer import write_workflow_file
from broker.services.hooks.definitions import read_anew
from broker.services.workflows.definitions import define_anew
from tests.fixtures.gateway import A_WORKFLOW
from tests.fuzz.harness import fuzz, mutate, nested, patient, watchdog
from tests.protocol.test_plans_yaml import OWN

pytestmark = patient

_FIXTURES = Path(__file__).parents[1] / "fixtures"
HOOKS = [
    *(path.read_text() for path in sorted((_FIXTURES / "hooks").glob("*.yaml"))),
    """\
hooks:
  agent:Lead:
    on_command:
      - id: slow
        command: [sh, -c, "echo ${exit_code} ${env.CI}"]
        when: {glob: ["*.py"], exit_code: "!=0", tool: Bash, once_per: turn}
        debounce: 500ms
        timeout: 30s
        max_per_minute: 5
        env: [CI]
    on_turn_complete:
      - webhook: {url: https://example.org/in, secret: SIGNING}
      - notify: {ntfy: topic, text: "${agent}", priority: high}
      - relay: {to: Lead, text: "${text}", mode: steer}
""",
]
WORKFLOWS = [A_WORKFLOW, *(path.read_text() for path in sorted((_FIXTURES / "workflows").glob("*.yaml")))]
PLANS = ["plans: {}", OWN]


def written(texts: Sequence[str]) -> list[bytes]:
    """As people write them, and as JSON, which is YAML, too: its values can be changed one by one."""
    as_json = (orjson.dumps(yaml.load(text, Loader=yaml.BaseLoader)) for text in texts)
    return [*(text.encode() for text in texts), *as_json]


def changed(seed: int, corpus: Sequence[bytes]) -> bytes:
    """YAML's own signs, too, which stand between no other format's bytes."""
    made = mutate(seed, corpus)
    sign = _SIGNS[seed % len(_SIGNS)]
    return made[: seed % (len(made) + 1)] + sign + made[seed % (len(made) + 1) :] if seed % 3 == 0 else made


_SIGNS = (
    *(b"&a ", b"*a", b"!!python/object:os.system ", b"<<: ", b"---\n", b"? ", b"- ", b": ", b"\t", b"|\n", b"'", b"# "),
    *(b"%YAML 9\n", b"{{steps.", b"${"),
)


def test_any_file_of_hooks_is_read_or_told_what_is_wrong_with_it() -> None:
    def check(data: bytes) -> None:
        read = read_hooks(data.decode("utf-8", "replace"))
        assert not (read.hooks and read.problems)
        assert all(each.line >= 1 and each.column >= 1 and each.message for each in read.problems)

    fuzz(check, written(HOOKS), change=changed)


def test_any_workflow_is_read_or_told_what_is_wrong_with_it_and_can_be_written_again() -> None:
    def check(data: bytes) -> None:
        read = read_workflow_file(data.decode("utf-8", "replace"))
        assert read.file is not None or read.problems
        assert all(each.position.line >= 1 and each.message for each in read.problems)
        if read.file is not None:
            again = read_workflow_file(write_workflow_file(read.file))
            assert again.file == read.file, again.problems

    fuzz(check, written(WORKFLOWS), change=changed)


def test_any_table_of_plans_is_read_or_told_what_is_wrong_with_it() -> None:
    def check(data: bytes) -> None:
        read = read_plans(data.decode("utf-8", "replace"))
        assert (read.table is None) == bool(read.problems)
        assert all(each.line >= 1 and each.message for each in read.problems)

    fuzz(check, written(PLANS), change=changed)


@pytest.mark.parametrize(
    "text",
    [
        nested(100_000, objects=False).decode(),
        nested(100_000, objects=True).decode(),
        "- " * 100_000,
        "a: &a [x, x]\n" + "".join(f"b{n}: &b{n} [*{f'b{n - 1}' if n else 'a'}, *a]\n" for n in range(5_000)),
        "".join(f"b{n}: &b{n} [{', '.join(['*b' + str(n - 1) if n else 'x'] * 10)}]\n" for n in range(30)),
        "hooks:\n  codex:\n    on_turn_complete:\n" + '      - relay: "x"\n' * 50_000,
        "workflows: [{name: w, steps: [" + "{name: s, agent: a, task: '{{steps.s.output}}'}," * 20_000 + "]}]",
    ],
    ids=["lists", "objects", "dashes", "a chain of aliases", "a billion laughs", "many hooks", "many steps"],
)
def test_no_file_holds_up_who_is_given_it(text: str) -> None:
    with watchdog(), pytest.raises(BadRequest):
        read_anew(text)
    with watchdog(), pytest.raises(BadRequest):
        define_anew(text, None)
