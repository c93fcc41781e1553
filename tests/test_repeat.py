"""What a repetition finds in the reports of its runs."""

from tests.repeat import outcomes, unsteady

REPORT = """<testsuites><testsuite>
<testcase classname="tests.test_a" name="test_good" time="0.1"/>
<testcase classname="tests.test_a" name="test_bad"><failure message="no">assert 1 == 2</failure></testcase>
<testcase classname="tests.test_a" name="test_broken"><error message="no">fixture</error></testcase>
<testcase classname="tests.test_a" name="test_elsewhere"><skipped message="no Chromium"/></testcase>
</testsuite></testsuites>"""


def test_each_test_of_a_report_has_an_outcome() -> None:
    assert outcomes(REPORT) == {
        "tests.test_a::test_good": "passed",
        "tests.test_a::test_bad": "assert 1 == 2",
        "tests.test_a::test_broken": "fixture",
        "tests.test_a::test_elsewhere": "skipped",
    }


def test_a_test_that_failed_once_is_unsteady_and_says_how() -> None:
    runs = [{"a": "passed", "b": "passed"}, {"a": "assert 1 == 2", "b": "passed"}, {"a": "passed", "b": "passed"}]
    assert unsteady([*runs]) == {"a": ["assert 1 == 2"]}


def test_a_test_that_is_missing_from_a_run_is_unsteady() -> None:
    assert unsteady([{"a": "passed"}, {"a": "passed", "b": "passed"}]) == {"b": ["it did not run"]}


def test_a_test_that_is_skipped_every_time_is_steady() -> None:
    assert unsteady([{"a": "skipped"}, {"a": "skipped"}]) == {}
