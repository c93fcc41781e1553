"""What a search of the logs found, for the terminal. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from datetime import datetime, tzinfo

from connect.sdk.logs import LogBucket, LogCount, LogHit, LogLine
from connect.terminal.text.layout import Line, Span, harmless, one_line

_BAR = 40
_WIDEST_PLACE = 28
_TIME = "%Y-%m-%d %H:%M:%S"
_FINE = f"{_TIME}.%%L"
_NOTHING: list[Line] = [(("class:dim", "nothing found"),)]


def hit_lines(hits: Sequence[LogHit], *, zone: tzinfo | None = None) -> list[Line]:
    """Hits in their order, one line each; with what was logged around them in dim lines. Times are of `zone`."""
    if not hits:
        return _NOTHING
    width = min(_WIDEST_PLACE, max(len(_place(line)) for line in hits))
    lines: list[Line] = []
    for hit in hits:
        around = bool(hit.before or hit.after)
        if around and lines:
            lines.append((("class:dim", "--"),))
        lines += [_dim(line, width=width, zone=zone) for line in hit.before]
        lines.append(_hit(hit, width=width, zone=zone, marked=around))
        lines += [_dim(line, width=width, zone=zone) for line in hit.after]
    return lines


def histogram_lines(buckets: Sequence[LogBucket], *, zone: tzinfo | None = None) -> list[Line]:
    """One bar for each span of time, for the empty ones in between too."""
    if not buckets:
        return _NOTHING
    most = max(bucket.count for bucket in buckets)
    form = _FINE if buckets[0].span_ms % 1000 else _TIME
    width = len(str(most))
    return [_bar(bucket, most=most, width=width, time=_time(bucket.at_ms, zone, form)) for bucket in _fill(buckets)]


def count_lines(counts: Sequence[LogCount]) -> list[Line]:
    """One line for each value."""
    if not counts:
        return _NOTHING
    width = max(len(str(each.count)) for each in counts)
    return [
        (("class:strong", f"{each.count:>{width}}"), ("", f"  {one_line(each.name or each.value)}")) for each in counts
    ]


def _hit(hit: LogHit, *, width: int, zone: tzinfo | None, marked: bool) -> Line:
    style = "" if hit.ok else "class:bad"
    return (
        ("class:dim", f"{'> ' if marked else ''}{_time(hit.at_ms, zone)}  "),
        ("class:strong", f"{_place(hit):<{width}}  "),
        (style, f"{hit.kind:<8}  "),
        *_mark_matches(hit),
        *_exit(hit),
    )


def _dim(line: LogLine, *, width: int, zone: tzinfo | None) -> Line:
    said = _flat(line.text).strip() or line.event
    return (("class:dim", f"  {_time(line.at_ms, zone)}  {_place(line):<{width}}  {line.kind:<8}  {said}"),)


def _mark_matches(line: LogLine) -> Iterator[Span]:
    """The text with its matches; what could steer a terminal is shown instead of obeyed."""
    text, done = line.text, 0
    for start, end in line.spans:
        yield ("", _flat(text[done:start]))
        yield ("class:match", _flat(text[start:end]))
        done = end
    yield ("", _flat(text[done:]) if text else line.event)


def _exit(line: LogLine) -> Iterator[Span]:
    if line.exit_code is not None:
        yield ("class:dim" if line.exit_code == 0 else "class:bad", f"  → exit {line.exit_code}")


def _flat(text: str) -> str:
    return re.sub(r"\s+", " ", harmless(text))


def _place(line: LogLine) -> str:
    session = one_line(line.session_name or line.session[:8], limit=14)
    return f"{session}:{line.offset} {one_line(line.agent or '-', limit=16)}"


def _fill(buckets: Sequence[LogBucket]) -> Iterator[LogBucket]:
    by_time = {bucket.at_ms: bucket for bucket in buckets}
    span = max(1, buckets[0].span_ms)
    for at_ms in range(buckets[0].at_ms, buckets[-1].at_ms + 1, span):
        yield by_time.get(at_ms) or LogBucket(at_ms=at_ms, span_ms=span, count=0)


def _bar(bucket: LogBucket, *, most: int, width: int, time: str) -> Line:
    cells = -(-bucket.count * _BAR // most)
    failed: tuple[Span, ...] = (("class:bad", f"  {bucket.failed} failed"),) if bucket.failed else ()
    return (
        ("class:dim", f"{time}  "),
        ("class:strong", f"{bucket.count:>{width}}"),
        ("class:frame", f"  {'█' * cells}" if cells else ""),
        *failed,
    )


def _time(at_ms: int, zone: tzinfo | None, form: str = _TIME) -> str:
    return f"{datetime.fromtimestamp(at_ms // 1000, zone):{form}}".replace("%L", f"{at_ms % 1000:03}")
