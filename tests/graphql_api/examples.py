"""Documents that are meant to do harm: short to send, long to parse, to check or to answer."""


def _doubling(levels: int) -> str:
    """Two to the power of `levels` objects from a few lines."""
    twice = "fragment F{} on Workspace {{ a: parent {{ ...F{} }} b: parent {{ ...F{} }} }}"
    fragments = " ".join(twice.format(n, n + 1, n + 1) for n in range(levels))
    return f"{{ workspace {{ ...F0 }} }} {fragments} fragment F{levels} on Workspace {{ name }}"


def _chain(length: int) -> str:
    fragments = " ".join(f"fragment F{n} on Workspace {{ ...F{n + 1} }}" for n in range(length))
    return f"{{ workspace {{ ...F0 }} }} {fragments} fragment F{length} on Workspace {{ name }}"


def _repeated(part: str, times: int) -> str:
    """`part` with every number in it."""
    return " ".join(part.replace("#", str(n)) for n in range(times))


BOMBS = {
    "one field again and again": f"{{ {'__typename ' * 3990} }}",
    "one object again and again": f"{{ {'workspace { name } ' * 990} }}",
    "deep objects again and again": f"{{ {'workspace { parent { parent { parent { name } } } } ' * 300} }}",
    "one fragment for each repetition": (
        f"{{ {_repeated('...F#', 250)} }} {_repeated('fragment F# on Query { workspace { parent { name } } }', 250)}"
    ),
    "fragments that double": _doubling(40),
    "a long chain of fragments": _chain(400),
    "a fragment within itself": (
        "{ workspace { ...F } } fragment F on Workspace { a: parent { ...F } b: parent { ...F } }"
    ),
    "a fragment that is itself": "{ workspace { ...F } } fragment F on Workspace { ...F name }",
    "many operations over one fragment": (
        f"fragment F on Query {{ {'__typename ' * 900} }} {_repeated('query Q# { ...F }', 300)}"
    ),
    "introspection within introspection": (
        f"{{ __schema {{ types {{ {'fields { type { ' * 90} name {'} } ' * 90} }} }} }}"
    ),
    "introspection by a fragment": (
        "{ __schema { types { ...F } } } fragment F on __Type { ofType { ...F } fields { type { ...F } } }"
    ),
    "braces only": "{" * 4000,
    "brackets only": f"{{ workspace(x: {'[' * 3900}",
    "many variables": f"query({_repeated('$v#: Int', 990)}) {{ __typename }}",
    "many directives": f"{{ __typename {'@skip(if: true) ' * 570} }}",
    "many arguments": f"{{ workspace({_repeated('a#: 1', 990)}) {{ name }} }}",
    "inline fragments within each other": f"{{ {'... { ' * 150} __typename {'} ' * 150} }}",
}
"""Each takes a second or more, or ends in a stack overflow, where nothing is limited; or would, in another library."""
