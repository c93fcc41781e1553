import random

import pytest

from broker.domain.errors import BadRequest
from broker.domain.people.enrolment import make_code, read_code


def test_a_code_is_read_as_people_type_it() -> None:
    code = make_code(random.Random(7).choice)
    assert read_code(code) == read_code(f" {code.lower()}\n") == read_code(code.replace("-", " "))


def test_codes_have_no_letter_that_is_taken_for_another() -> None:
    letters = {letter for seed in range(200) for letter in make_code(random.Random(seed).choice)}
    assert letters.isdisjoint("01OILU")


@pytest.mark.parametrize("text", ["", "7KQP", "7KQP-2XMAA", "0KQP-2XMA", "7KQP-2XM\u00c4", "nt_live_" + "x" * 43])
def test_what_is_no_code_is_refused_before_anybody_is_asked(text: str) -> None:
    with pytest.raises(BadRequest) as refused:
        read_code(text)
    assert refused.value.code == "INVALID_CODE"
