"""Variables of a run."""

import pytest

from broker.domain.errors import BadRequest
from broker.domain.workflows.planning.values import missing_vars, parse_vars
from tests.domain.workflows.driving import file_of

FILE = file_of(
    [{"name": "a", "type": "deterministic", "command": "echo {{ who }} {{n}}"}],
    vars={"who": {"description": "whom to greet"}, "n": 3, "deep": {"type": "json", "required": False}},
)


def test_what_is_declared_without_a_default_has_to_be_given() -> None:
    assert missing_vars(FILE, FILE.workflows[0], {}) == ("who",)
    assert missing_vars(FILE, FILE.workflows[0], {"who": "you"}) == ()


def test_a_file_that_declares_nothing_needs_what_it_uses() -> None:
    file = file_of([{"name": "a", "type": "deterministic", "command": "git checkout -b {{branch-name}}"}])
    assert missing_vars(file, file.workflows[0], {}) == ("branch-name",)
    assert parse_vars(file, {"anything": "x"}) == {"anything": "x"}


@pytest.mark.parametrize(
    ("type_", "text", "value"),
    [
        ("string", "5", "5"),
        ("integer", "5", 5),
        ("number", "0.5", 0.5),
        ("boolean", "True", True),
        ("json", '{"a": [1]}', {"a": [1]}),
    ],
)
def test_values_get_the_declared_type(type_: str, text: str, value: object) -> None:
    file = file_of([{"name": "a"}], vars={"v": {"type": type_}})
    assert parse_vars(file, {"v": text}) == {"v": value}


@pytest.mark.parametrize(("type_", "text"), [("integer", "five"), ("boolean", "yes"), ("json", "{"), ("number", "")])
def test_a_value_of_another_type_is_refused(type_: str, text: str) -> None:
    file = file_of([{"name": "a"}], vars={"v": {"type": type_}})
    with pytest.raises(BadRequest, match='as the variable "v" is'):
        parse_vars(file, {"v": text})


def test_a_name_that_is_not_declared_is_refused_with_the_nearest() -> None:
    with pytest.raises(BadRequest, match='did you mean "who"'):
        parse_vars(FILE, {"whom": "x"})
