"""What agents write, set for a terminal: Markdown where it is Markdown, drawings as they are drawn. Pure.

Nothing an agent wrote is left out but the marks of what is shown otherwise: links show where they lead, and what HTML,
entities and escapes would hide stands there as it was written; a picture's data is left to the dashboard. Lines stay
lines.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

from markdown_it import MarkdownIt
from markdown_it.tree import SyntaxTreeNode
from rich.cells import cell_len

from connect.terminal.text.layout import Line, Span, fold, harmless, wrap

_PARSER = (
    MarkdownIt("commonmark", {"html": False})
    .enable(["table", "strikethrough"])
    .disable(["html_block", "html_inline", "entity", "escape", "reference", "image", "autolink", "lheading"])
)
_DRAWING = re.compile(r"[\u2500-\u259f\u2800-\u28ff]|\S {2,}\S|^ +\S", re.MULTILINE)
_MOST_CHARACTERS = 200_000
"""A longer text is shown as it is: nobody reads it, and it is not parsed for anybody."""
_PICTURE = re.compile(r"!\[([^\]\n]*)\]\(data:image/[^)\s]*\)")
_STYLES = {"strong": "class:strong", "em": "class:emphasis", "s": "class:dim", "code_inline": "class:code"}
_DEEPEST = 8


def render(text: str, width: int) -> list[Line]:
    """The text in lines of at most `width` cells."""
    clean = harmless(_PICTURE.sub(lambda found: f"[picture: {found[1]}]", text))
    if len(clean) > _MOST_CHARACTERS:
        return [(("", piece),) for piece in wrap(clean, width)]
    return _Page(clean.split("\n"), width).lines()


class _Page:
    """One text, its source at hand: a block's own lines say what it looked like."""

    def __init__(self, source: list[str], width: int) -> None:
        self._source = source
        self._width = width

    def lines(self) -> list[Line]:
        return self._blocks(SyntaxTreeNode(_PARSER.parse("\n".join(self._source))).children, self._width, depth=0)

    def _blocks(self, nodes: Sequence[SyntaxTreeNode], width: int, *, depth: int) -> list[Line]:
        """Blocks below each other; an empty line between two where the source has one."""
        lines: list[Line] = []
        end: int | None = None
        for node in nodes:
            begin, after = node.map or (0, 0)
            if end is not None and self._is_empty(end, begin):
                lines.append(())
            lines += self._block(node, width, depth=depth)
            end = after
        return lines

    def _is_empty(self, end: int, begin: int) -> bool:
        """Whether there is an empty line between two blocks; a list's end takes the empty lines after it in."""
        return any(not line.strip() for line in self._source[max(0, end - 1) : begin])

    def _block(self, node: SyntaxTreeNode, width: int, *, depth: int) -> list[Line]:
        if depth >= _DEEPEST or width < 8:
            return _verbatim(self._lines_of(node), width)
        match node.type:
            case "paragraph":
                return self._paragraph(node, width, depth=depth)
            case "heading":
                return [each for line in _inline(node) for each in fold(_style(line, "class:heading"), width)]
            case "code_block" if depth == 0:
                return _verbatim(self._lines_of(node), width, style="class:code")
            case "fence" | "code_block":
                return _verbatim(node.content.rstrip("\n").split("\n"), width, style="class:code")
            case "bullet_list" | "ordered_list":
                return self._list(node, width, depth=depth)
            case "blockquote":
                quoted = self._blocks(node.children, width - 2, depth=depth + 1)
                return [(("class:dim", "▏ "), *line) for line in quoted]
            case "table":
                return _table(node, width) or _verbatim(self._lines_of(node), width)
            case _:
                return _verbatim(self._lines_of(node), width)

    def _paragraph(self, node: SyntaxTreeNode, width: int, *, depth: int) -> list[Line]:
        source = self._lines_of(node) if depth == 0 else node.children[0].content.split("\n")
        if _DRAWING.search("\n".join(source)):
            return _verbatim(source, width)
        return [each for line in _inline(node) for each in fold(line, width, hang=0)]

    def _list(self, node: SyntaxTreeNode, width: int, *, depth: int) -> list[Line]:
        lines: list[Line] = []
        end: int | None = None
        for item in node.children:
            begin, after = item.map or (0, 0)
            if end is not None and self._is_empty(end, begin):
                lines.append(())
            mark = f"{item.info}{item.markup} " if node.type == "ordered_list" else "• "
            inner = self._blocks(item.children, width - len(mark), depth=depth + 1) or [()]
            marks = [mark, *([" " * len(mark)] * (len(inner) - 1))]
            lines += [(("class:dim", each), *line) if line else () for each, line in zip(marks, inner, strict=True)]
            end = after
        return lines

    def _lines_of(self, node: SyntaxTreeNode) -> list[str]:
        begin, end = node.map or (0, 0)
        return self._source[begin:end]


def _inline(node: SyntaxTreeNode) -> list[Line]:
    """The text of a block, in the lines it was written in."""
    lines: list[list[Span]] = [[]]
    for child in node.children[0].children if node.children else ():
        for span in _spans(child, ""):
            if span[1] == "\n":
                lines.append([])
            else:
                lines[-1].append(span)
    return [tuple(line) for line in lines]


def _spans(node: SyntaxTreeNode, style: str) -> Iterator[Span]:
    match node.type:
        case "text":
            yield style, node.content
        case "softbreak" | "hardbreak":
            yield "", "\n"
        case "code_inline":
            yield f"{style} class:code".strip(), node.content
        case "link":
            yield from _link(node, style)
        case "strong" | "em" | "s":
            yield from _mark(node, style)
        case _:
            yield style, node.content or ""


def _mark(node: SyntaxTreeNode, style: str) -> Iterator[Span]:
    """Emphasis; its marks stay where they may be something else: `__init__.py`, `src/*.py`."""
    own = f"{style} {_STYLES[node.type]}".strip()
    inner = [span for child in node.children for span in _spans(child, own)]
    text = "".join(piece for _, piece in inner)
    whole = text[:1].isalnum() and (text[-1:].isalnum() or text[-1:] in ".:!?)") and not _within_word(node)
    mark: list[Span] = [] if whole and "_" not in node.markup else [(own, node.markup)]
    yield from [*mark, *inner, *mark]


def _within_word(node: SyntaxTreeNode) -> bool:
    """Whether letters or digits stand beside it: `2*3*4`."""
    before, after = node.previous_sibling, node.next_sibling
    return bool(before and before.content[-1:].isalnum()) or bool(after and after.content[:1].isalnum())


def _link(node: SyntaxTreeNode, style: str) -> Iterator[Span]:
    inner = [span for child in node.children for span in _spans(child, f"{style} class:link".strip())]
    yield from inner
    target = str(node.attrs.get("href", ""))
    if target != "".join(piece for _, piece in inner):
        yield f"{style} class:dim".strip(), f" ({harmless(target)})"


def _style(line: Line, style: str) -> Line:
    return tuple((f"{style} {own}".strip(), piece) for own, piece in line)


def _verbatim(lines: Iterable[str], width: int, *, style: str = "") -> list[Line]:
    return [((style, piece),) if piece else () for line in lines for piece in wrap(line, width)]


def _table(node: SyntaxTreeNode, width: int) -> list[Line] | None:
    """Cells below each other; None when it does not fit."""
    rows = [[_cell(cell) for cell in row.children] for part in node.children for row in part.children]
    widths = [max(cell_len(_plain(cell)) for cell in column) for column in zip(*rows, strict=True)]
    if sum(widths) + 3 * (len(widths) - 1) > width:
        return None
    head, *others = [_row(row, widths) for row in rows]
    rule: Line = (("class:dim", "─┼─".join("─" * each for each in widths)),)
    return [_style(head, "class:strong"), rule, *others]


def _cell(node: SyntaxTreeNode) -> Line:
    return tuple(span for line in _inline(node) for span in line)


def _row(cells: Sequence[Line], widths: Sequence[int]) -> Line:
    spans: list[Span] = []
    for at, (cell, width) in enumerate(zip(cells, widths, strict=True)):
        spans += [("class:dim", " │ ")] if at else []
        spans += [*cell, ("", " " * (width - cell_len(_plain(cell))))]
    return tuple(spans)


def _plain(line: Line) -> str:
    return "".join(piece for _, piece in line)
