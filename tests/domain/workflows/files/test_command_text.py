"""Values in commands, run by a real shell: whatever they contain, they come out as they are."""

import subprocess

import pytest

from broker.domain.workflows.files.command_text import PlaceholderRefused, bind_command

NASTY = [
    "plain",
    "two  words\tand\ttabs",
    "a; echo INJECTED",
    "$(echo INJECTED) `echo INJECTED` ${HOME} $HOME",
    'it\'s "quoted" \\ and \\" more\\',
    "line one\nline two\nEND\n",
    "* ? [a] ~ {a,b} !! # no comment",
    "-n -e %s \\n",
    "' ; echo INJECTED ; '",
    '" ; echo INJECTED ; "',
    "ünïcödé 🦊",
]
PLACES = {
    "bare": "printf %s {{v}}",
    "double": 'printf %s "{{v}}"',
    "single": "printf %s '{{v}}'",
    "substitution": 'printf %s "$(printf %s "{{ v }}"; printf x)" | sed "\\$s/x$//"',
    "bare substitution": 'x=$(printf %s {{v}}; printf x); printf %s "${x%x}"',
    "assignment": 'x={{v}}; printf %s "$x"',
    "part of a word": 'x=pre-{{v}}; printf %s "${x#pre-}"',
    "after an escape": "printf %s \\\n{{v}}",
    "an escape in single quotes": "x='\\{{v}}'; printf %s \"${x#?}\"",
    "after a comment": "# it's \"odd\nprintf %s {{v}}",
    "twice": "test \"{{v}}\" = '{{v}}' && printf %s {{v}}",
    "after quotes of the other kind": "printf %s \"it's\" >/dev/null; printf %s '\"' >/dev/null; printf %s {{v}}",
}


def run(command: str, value: str) -> str:
    """What a shell prints for a command, with a value in its environment."""
    bound = bind_command(command)
    environment = dict.fromkeys(bound.values, value)
    done = subprocess.run(
        ["/bin/sh", "-c", bound.text],
        check=False,
        env=environment | {"PATH": "/usr/bin:/bin"},
        capture_output=True,
        timeout=20,
    )
    assert (done.returncode, done.stderr) == (0, b""), bound.text
    return done.stdout.decode()


@pytest.mark.parametrize("place", PLACES)
def test_a_value_comes_out_as_it_is(place: str) -> None:
    for value in NASTY:
        expected = value
        printed = run(PLACES[place], value)
        if place == "substitution":  # sed ends its last line
            printed, expected = printed.rstrip("\n"), value.rstrip("\n")
        assert printed == expected


def test_a_value_in_a_here_document_is_not_evaluated() -> None:
    for value in NASTY:
        assert run('cat <<END\nit\'s {{v}} "so"\nEND\nprintf %s {{v}}', value) == f'it\'s {value} "so"\n{value}'


def test_the_text_does_not_depend_on_the_value_and_uses_one_variable_for_each_placeholder() -> None:
    bound = bind_command('git checkout -b feature/{{branch-name}} && echo "{{steps.a.output}} {{branch-name}}"')
    assert bound.text == ('git checkout -b feature/"${RELAY_VALUE_1}" && echo "${RELAY_VALUE_2} ${RELAY_VALUE_1}"')
    assert [each.name for each in bound.values.values()] == ["branch-name", "steps.a.output"]


@pytest.mark.parametrize(
    ("command", "says"),
    [
        ("cat <<'END'\n{{v}}\nEND", "write <<END"),
        ("cat <<\\END\n{{v}}\nEND", "write <<END"),
        ("echo `echo {{v}}`", r"write \$\(…\)"),
        ('echo "$(( {{v}} + 1 ))"', "evaluates the text"),
        ("echo $'{{v}}'", "close the quotes"),
        ("echo \\{{v}}", "leave it out"),
        ('echo "\\{{v}}"', "leave it out"),
    ],
)
def test_where_no_quoting_would_do_a_value_is_refused(command: str, says: str) -> None:
    with pytest.raises(PlaceholderRefused, match=says):
        bind_command(command)


def test_after_what_is_refused_in_places_values_stand_again() -> None:
    command = "cat <<'A' <<B >/dev/null\n$x\nA\n{{v}}\nB\necho `true` $((1 + 1)) >/dev/null; printf %s {{v}}"
    assert run(command, "$(x)") == "$(x)"


def test_a_command_without_placeholders_is_left_as_it_is() -> None:
    text = "cat <<'EOF'\n$x 'y\nEOF\necho \"${x:-'}\" # it's\n"
    assert bind_command(text).text == text
