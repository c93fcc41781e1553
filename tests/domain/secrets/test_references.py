"""How secrets are named and referred to."""

import pytest

from broker.domain.errors import BadRequest
from broker.domain.secrets.references import MAX_VALUE_BYTES, find_reference, require_name, require_value


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("secret:CI", "CI"),
        ("secret:a.b-c_1", "a.b-c_1"),
        ("secret:", None),
        ("secret:1", None),
        ("secret:two words", None),
        ("env:CI", None),
        ("CI", None),
    ],
)
def test_a_reference_names_a_secret(text: str, name: str | None) -> None:
    assert find_reference(text) == name


@pytest.mark.parametrize("name", ["", "-x", "a/b", "a\n", "é", "a" * 65])
def test_other_names_are_refused(name: str) -> None:
    with pytest.raises(BadRequest, match="begins with a letter"):
        require_name(name)


def test_a_value_has_a_length() -> None:
    assert require_value("x" * MAX_VALUE_BYTES)
    for value in ("", "é" * MAX_VALUE_BYTES):
        with pytest.raises(BadRequest):
            require_value(value)
