"""YAML text to plain values, each with the line and column it stands at.

The text's syntax is PyYAML's affair; what a plain word is, is decided here by the core schema of YAML 1.2, as the
public format's own reader has it: `no`, `on` and `12:30` are strings, and `<<` is a key like others. The tree is built
from the parser's events and not by its own composer, which recurses: nesting, aliases and size are bounded.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import yaml

MAX_TEXT = 4 * 1024 * 1024
_MAX_DEPTH = 64
_MAX_NODES = 500_000
"""Aliases counted as often as they stand for something: a file of ten lines can mean a billion values."""

Path = tuple[str | int, ...]
_INT = re.compile(r"[-+]?[0-9]{1,18}|0o[0-7]{1,20}|0x[0-9a-fA-F]{1,15}")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_WORDS: dict[str, bool | None] = {
    "": None,
    "~": None,
    **dict.fromkeys(("null", "Null", "NULL"), None),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}
_TAGS = ("!", "tag:yaml.org,2002:str")


@dataclass(frozen=True, slots=True, order=True)
class Position:
    """A place in a text, both from 1."""

    line: int
    column: int


class YamlProblem(ValueError):
    """The text is no YAML that can be read; `position` says from where on."""

    def __init__(self, message: str, *, position: Position) -> None:
        super().__init__(message)
        self.position = position


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """A value of mappings, lists and scalars, and where each part of it stands."""

    value: Any
    keys: dict[Path, Position]
    """Where the key of a member stands, by the member's path."""
    values: dict[Path, Position]

    def position(self, path: Path) -> Position:
        """Where the value at `path` stands, or as much of the path as there is."""
        return self._nearest(path, self.values)

    def key_position(self, path: Path) -> Position:
        """Where the key of `path` stands, or as much of the path as there is."""
        return self.keys[path] if path in self.keys else self.position(path)

    def _nearest(self, path: Path, among: dict[Path, Position]) -> Position:
        while path and path not in among:
            path = path[:-1]
        return among.get(path, Position(1, 1))


@dataclass(slots=True)
class _Open:
    """A mapping or list whose end has not come."""

    node: _Node
    key: tuple[str, Position] | None = None


@dataclass(slots=True, kw_only=True)
class _Node:
    position: Position
    scalar: Any = None
    members: dict[str, tuple[Position, _Node]] | None = None
    items: list[_Node] | None = None
    weight: int = 1


def read_document(text: str) -> Document:
    """Read `text`; raise `YamlProblem` with its position when that is no single YAML document of JSON's types."""
    if len(text) > MAX_TEXT:
        raise YamlProblem(f"the file is larger than {MAX_TEXT // 1024 // 1024} MB", position=Position(1, 1))
    try:
        root = _tree(_events(text))
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        position = Position(1, 1) if mark is None else _at(mark)
        raise YamlProblem(_in_words(error), position=position) from None
    except yaml.YAMLError as error:  # a character that YAML does not allow
        offset = getattr(error, "position", None)
        raise YamlProblem(
            "this character is not allowed in YAML", position=_count_position(text, offset or 0)
        ) from None
    document = Document(value=None, keys={}, values={})
    return Document(value=_value(root, (), document), keys=document.keys, values=document.values)


def _events(text: str) -> Iterator[Any]:
    yield from yaml.parse(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))


def _in_words(error: yaml.MarkedYAMLError) -> str:
    return ", ".join(str(each) for each in (error.context, error.problem) if each) or "this is no YAML"


def _count_position(text: str, offset: int) -> Position:
    before = text[:offset]
    return Position(before.count("\n") + 1, offset - (before.rfind("\n") + 1) + 1)


def _at(mark: Any) -> Position:
    return Position(mark.line + 1, mark.column + 1)


@dataclass(slots=True)
class _Builder:
    """Puts nodes where the events say; holds the containers that are open."""

    open_: list[_Open] = field(default_factory=list)
    anchors: dict[str, _Node] = field(default_factory=dict)
    root: _Node | None = None

    def begin(self, node: _Node, anchor: str | None) -> None:
        if len(self.open_) == _MAX_DEPTH:
            raise YamlProblem(f"nested deeper than {_MAX_DEPTH} levels", position=node.position)
        self.open_.append(_Open(node))
        self._name(node, anchor)

    def end(self) -> None:
        self.put(self.open_.pop().node)

    def scalar(self, event: Any) -> None:
        position = _at(event.start_mark)
        if self._wants_key():
            self.open_[-1].key = (event.value, position)
            return
        node = _Node(position=position, scalar=_scalar(event, position))
        self._name(node, event.anchor)
        self.put(node)

    def alias(self, event: Any) -> None:
        position = _at(event.start_mark)
        if event.anchor not in self.anchors:
            raise YamlProblem(f"there is no anchor &{event.anchor} before it", position=position)
        if any(each.node is self.anchors[event.anchor] for each in self.open_):
            raise YamlProblem(f"*{event.anchor} stands within what it means", position=position)
        self.put(self.anchors[event.anchor])

    def put(self, node: _Node) -> None:
        if not self.open_:
            self.root = node
            return
        top = self.open_[-1]
        top.node.weight += node.weight
        if top.node.weight > _MAX_NODES:
            raise YamlProblem(f"means more than {_MAX_NODES} values", position=top.node.position)
        if top.node.items is not None:
            top.node.items.append(node)
        elif top.node.members is not None:
            if top.key is None:
                raise YamlProblem("a key has to be a word", position=node.position)
            key, position = top.key
            if key in top.node.members:
                raise YamlProblem(f"{key!r} stands here twice", position=position)
            top.node.members[key] = (position, node)
            top.key = None

    def _wants_key(self) -> bool:
        return bool(self.open_) and self.open_[-1].node.members is not None and self.open_[-1].key is None

    def _name(self, node: _Node, anchor: str | None) -> None:
        if anchor is not None:
            self.anchors[anchor] = node


def _tree(events: Iterator[Any]) -> _Node:
    builder = _Builder()
    documents = 0
    for event in events:
        match event:  # what there is most of comes first
            case yaml.ScalarEvent():
                builder.scalar(event)
            case yaml.DocumentStartEvent():
                documents += 1
                if documents > 1:
                    raise YamlProblem("a second document begins here", position=_at(event.start_mark))
            case yaml.MappingStartEvent():
                builder.begin(_Node(position=_at(event.start_mark), members={}), event.anchor)
            case yaml.SequenceStartEvent():
                builder.begin(_Node(position=_at(event.start_mark), items=[]), event.anchor)
            case yaml.MappingEndEvent() | yaml.SequenceEndEvent():
                builder.end()
            case yaml.AliasEvent():
                builder.alias(event)
            case _:
                pass
    return builder.root or _Node(position=Position(1, 1))


def _scalar(event: Any, position: Position) -> Any:
    text: str = event.value
    if event.tag is not None and event.tag not in _TAGS:
        raise YamlProblem(f"the tag {event.tag} is not known here", position=position)
    if event.tag in _TAGS or not event.implicit[0]:
        return text
    return read_scalar(text)


def read_scalar(text: str) -> Any:
    """What a plain word is in the core schema of YAML 1.2; but a number that JSON does not have is a word."""
    if text in _WORDS:
        return _WORDS[text]
    if _INT.fullmatch(text):
        return int(text, 8 if text.startswith("0o") else 16 if text.startswith("0x") else 10)
    if _FLOAT.fullmatch(text) and math.isfinite(number := float(text)):
        return number
    return text


def _value(node: _Node, path: Path, document: Document) -> Any:
    document.values[path] = node.position
    if node.items is not None:
        return [_value(each, (*path, number), document) for number, each in enumerate(node.items)]
    if node.members is None:
        return node.scalar
    found = {}
    for key, (position, member) in node.members.items():
        document.keys[*path, key] = position
        found[key] = _value(member, (*path, key), document)
    return found
