"""The form of the dashboard's editor: it names what a hooks file may have."""

import re
from pathlib import Path

from broker.domain.hooks.definitions import OncePer, RelayMode
from broker.domain.hooks.events import HookEvent
from broker.protocol.hooks_yaml import actions, reader

FIELDS = (Path(__file__).parents[3] / "web/src/pages/hooks/form/fields.ts").read_text()


def listed(name: str) -> list[str]:
    """The words of a list there."""
    found = re.search(rf"{name}[^=]*= \[(.*?)\] as const", FIELDS, re.S)
    assert found, name
    return re.findall(r'"([^"]+)"', found[1])


def paths() -> set[tuple[str, ...]]:
    """Where each field stands in a hook."""
    short = re.findall(r"\b(?:text|lines)\((\"[^)]*)\)", FIELDS)
    long = re.findall(r"path: \[(\"[^\]]*)\]", FIELDS)
    return {tuple(re.findall(r'"([^"]+)"', each)) for each in (*short, *long)}


def test_the_form_has_the_events_and_actions_of_a_hooks_file() -> None:
    assert listed("EVENTS") == [str(each) for each in HookEvent]
    assert listed("ACTIONS") == list(actions.ACTIONS)


def test_the_form_has_a_field_for_each_member_of_a_hook() -> None:
    inner = {"relay": actions._RELAY, "webhook": actions._WEBHOOK, "notify": actions._NOTIFY, "when": reader._WHEN}
    inner["start_workflow"] = ("workflow", "machine")  # its text and its values are left to the YAML
    plain = ("command", *reader._COMMON, *reader._ANSWERING, reader._DECIDES)
    expected: set[tuple[str, ...]] = {(name,) for name in plain if name not in inner}
    expected |= {(name, each) for name, members in inner.items() for each in members}
    assert paths() == expected


def test_the_form_offers_the_values_that_there_are() -> None:
    for values in (list(RelayMode), ["", *OncePer], ["", *reader._ON_ERROR]):
        listed_there = ", ".join(f'"{each}"' for each in values)
        assert f"choices: [{listed_there}]" in FIELDS
