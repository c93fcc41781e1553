"""`relaycast plans`."""

from pathlib import Path

import orjson
from click.testing import CliRunner, Result

from broker.cli.plans.plans import plans, prices


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(plans, [str(each) for each in arguments])


def test_the_table_is_printed_for_people_and_for_programs() -> None:
    assert run().stdout.startswith("Free (free): $0 a month\n  agents at once     1\n")
    found = orjson.loads(run("--json").stdout)
    assert [(each["plan"], each["limits"]["agents"]) for each in found["plans"]] == [
        ("free", 1),
        ("pro", 10),
        ("team", None),
    ]


def test_a_file_of_ones_own_is_shown_and_one_with_mistakes_is_refused_with_their_places(tmp_path: Path) -> None:
    file = tmp_path / "plans.yaml"
    file.write_text("plans:\n  free: {title: Trial, meters: {messages: {included: 1000, per: 100, cents: 5}}}\n")
    shown = run("--plans", file).stdout
    assert shown.startswith("Trial (free): $0 a month")
    assert "messages: 1,000 included, then $0.05 for each 100" in shown
    file.write_text("plans:\n  free: {price: 1}\n")
    refused = run("--plans", file)
    assert refused.exit_code == 2
    assert "line 2, column 10: 'price' is not known here" in refused.stderr


def test_prices_are_printed_as_estimates_and_an_operators_file_changes_them(tmp_path: Path) -> None:
    file = tmp_path / "plans.yaml"
    file.write_text("prices:\n  mine: {input: 2, output: 4}\n  gpt-5: null\n")
    shown = CliRunner().invoke(prices, ["--plans", str(file)]).stdout
    assert "estimates" in shown.splitlines()[0]
    assert "mine*                        2.000     4.000     2.000   your file" in shown
    assert "unverified: https://" in shown
    found = orjson.loads(CliRunner().invoke(prices, ["--plans", str(file), "--json"]).stdout)
    assert found["estimated"] is True
    assert "gpt-5" not in found["prices"]
    assert found["prices"]["gpt-5-mini"]["source"]["is_checked"] is False
    assert found["prices"]["mine"]["source"] is None
