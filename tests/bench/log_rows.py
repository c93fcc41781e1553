"""Log lines by the million, made inside ClickHouse: the same numbers give the same lines, on every machine.

Words follow Zipf's law, and many lines carry ids that are nowhere else, as real logs do. Sessions run side by side, by
day and not by night. One workspace has nine lines in ten; searches look in that one.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from broker.domain.ids import WorkspaceId
from broker.domain.instants import to_ms

BIG = WorkspaceId("bench-big")
_SMALL = ("bench-left", "bench-middle", "bench-right")
_HISTORY_DAYS = 30
_KEPT_DAYS = 90
_CHUNK_ROWS = 100_000
"""Rows of one insert: a quarter of a day of the ten million, so days have parts to merge, as shipped ones have."""
_BUSY_MS = 36_000_000
"""Of each day; in the rest nobody works."""
_SIDE_BY_SIDE = 8
_SESSION_ROWS = 5000
_VOCABULARY = 60_000

RARE, PART = "zanzibar", "nzib"
COMMON = "test"
PHRASE = "connection refused"
AGENT = "Backend"
_RARE_EVERY, _PHRASE_EVERY = 500_009, 5_003

# By rank: the first word stands in most lines, the hundredth in one of thirty.
_COMMON_WORDS = (
    "the to and a test in of is for file run with error line build src this from import return function be on not "
    "add fix module it log server check value type name path json config should we that data code update "
    "request response client call new use async await true false none class self def if else index main node "
    "agent session message key token user id state event read write connection string number list table row query "
    "schema version install package warning failed passed skipped timeout retry refused database broker worker queue "
    "handler route page style component render hook cache commit branch merge review diff patch change remove rename "
    "docs comment example expected actual assert mock fixture coverage lint format deploy release container image port "
    "memory process thread lock signal stream frame socket header body status method parse encode decode validate"
)
WORDS = _COMMON_WORDS.split()
_SPOKEN = (
    "ba be bi bo ca ce co da de di do fa fi fo ga ge go ha he hi ka ke ki la le li lo ma me mi mo na ne ni no "
    "pa pe pi po ra re ri ro sa se si so ta te ti to va ve vi vo wa xe ya yo ze zu qui sta tri plo kra sni"
)
_SYLLABLES = _SPOKEN.split()
_AGENTS = ("Lead", AGENT, "Frontend", "Tester", "Reviewer", "Docs")
_CLIS = ("claude", "claude", "codex", "codex", "gemini", "claude")
_TOOLS = ("Bash", "Read", "Edit", "Grep", "Write", "Glob", "TodoWrite", "relay_send")
COMMANDS = (
    "npm test",
    "npm run lint",
    "pytest -q tests/unit",
    "git status",
    "git diff --stat",
    "make build",
    "cargo test --all",
    "ls -la src",
    "rg -n handler src",
    "docker compose up -d database",
)
_KINDS = {
    "tool": 24,
    "text": 21,
    "command": 17,
    "thought": 9,
    "files": 8,
    "message": 5,
    "receipt": 5,
    "turn": 5,
    "usage": 3,
    "approval": 2,
    "error": 1,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Corpus:
    """So many lines up to an instant."""

    rows: int
    until: datetime
    days: ClassVar[int] = _HISTORY_DAYS

    def inserts(self) -> Iterator[str]:
        """Statements that fill `log_lines`, one after the other."""
        for first in range(0, self.rows, _CHUNK_ROWS):
            yield _INSERT.format(
                first=first,
                count=min(_CHUNK_ROWS, self.rows - first),
                rows=self.rows,
                until_ms=to_ms(self.until),
            )


def _array(values: Sequence[str]) -> str:
    return "[" + ",".join(f"'{value}'" for value in values) + "]"


_ALL_KINDS = [kind for kind, share in _KINDS.items() for _ in range(share)]
_INSERT = f"""
INSERT INTO log_lines (workspace, session, epoch, offset, at, kind, event, agent, agent_id, cli, frame_type, tool,
    command, exit_code, paths, diff, ok, text, folded, input_tokens, output_tokens, cached_tokens, cost_usd, cumulative,
    body, redactions, bytes, days, expires_at)
WITH
    {_array(WORDS)} AS words,
    {_array(_SYLLABLES)} AS syllables,
    {_array(_AGENTS)} AS agents,
    {_array(_CLIS)} AS clis,
    {_array(_ALL_KINDS)} AS kinds,
    {_array(_TOOLS)} AS tools,
    {_array(COMMANDS)} AS commands
SELECT
    workspace, session, 'e1' AS epoch, place AS offset, at, kind, event, agent, agent_id, cli, frame_type, tool,
    command, exit_code, paths, diff, ok, text, '' AS folded, input_tokens, output_tokens, 0 AS cached_tokens,
    input_tokens * 3e-6 AS cost_usd, false AS cumulative,
    concat('{{{{"epoch":"e1","offset":', toString(place), ',"kind":"', event, '","at_ms":',
        toString(toUnixTimestamp64Milli(at)), ',"agent":"', agent_id, '","name":"', agent,
        '","data":{{{{"direction":"out","frame_type":"', frame_type, '","transient":false,"events":[{{{{"type":"', kind,
        '","text":', said, '}}}}],"raw":{{{{"type":"', frame_type, '","uuid":"', id, '","session_id":"', session,
        '","message":{{{{"role":"assistant","content":[{{{{"type":"text","text":', said,
        '}}}}]}}}},"parent_tool_use_id":null}}}}}}}}}}}}') AS body,
    0 AS redactions,
    length(text) + length(body) + length(diff) + length(command) AS bytes,
    {_KEPT_DAYS} AS days,
    toDateTime(at, 'UTC') + toIntervalDay({_KEPT_DAYS}) AS expires_at
FROM (
    SELECT
        *,
        trim(BOTH '\\n' FROM concat(
            multiIf(
                kind = 'tool', concat(tool, '\\npath: ', path, '\\n'),
                kind = 'command', concat(command, '\\n'),
                kind = 'files', concat('update ', path, '\\n', diff, '\\n'),
                kind = 'message', concat(agent, ' → Lead: '),
                ''),
            line,
            if(number % {_RARE_EVERY} = 77, ' {RARE}', ''),
            if(number % {_PHRASE_EVERY} = 5, ' {PHRASE}', ''),
            if(kind IN ('message', 'receipt', 'approval'), concat('\\n', kind, ' ', id), ''))) AS text,
        toJSONString(text) AS said
    FROM (
        SELECT
            number, workspace, session, place, at, kind, agent, agent_id, cli, id, path, line,
            multiIf(
                kind = 'message', 'message.accepted', kind = 'receipt', 'message.receipt',
                kind = 'turn', 'turn.ended', kind = 'approval', 'approval.requested', 'agent.frame') AS event,
            multiIf(
                event != 'agent.frame', '', kind IN ('tool', 'command', 'files'), 'tool_use',
                kind = 'usage', 'result', 'assistant') AS frame_type,
            multiIf(kind = 'command', 'Bash', kind = 'tool', tools[1 + dice[2] % {len(_TOOLS)}], '') AS tool,
            if(kind = 'command', commands[1 + dice[3] % {len(COMMANDS)}], '') AS command,
            if(kind = 'command', if(dice[4] % 8 = 0, toInt64(1 + dice[5] % 2), 0), NULL) AS exit_code,
            if(kind IN ('tool', 'files'), [path], []) AS paths,
            if(kind = 'files', concat('--- ', path, '\\n+++ ', path, '\\n@@ -1 +1 @@\\n-', substring(line, 1, 40),
                '\\n+', substring(line, 1, 60)), '') AS diff,
            NOT (kind = 'error' OR ifNull(exit_code, 0) != 0) AS ok,
            if(kind = 'usage', 500 + dice[6] % 20000, 0) AS input_tokens,
            if(kind = 'usage', 20 + dice[7] % 2000, 0) AS output_tokens
        FROM (
            SELECT
                number,
                {_SIDE_BY_SIDE} * intDiv(number, {_SIDE_BY_SIDE * _SESSION_ROWS}) + number % {_SIDE_BY_SIDE} AS run,
                lower(hex(MD5(concat('session', toString(run))))) AS session,
                if(run % 10 = 9, {_array(_SMALL)}[1 + intDiv(run, 10) % {len(_SMALL)}], '{BIG}') AS workspace,
                1 + intDiv(number % {_SIDE_BY_SIDE * _SESSION_ROWS}, {_SIDE_BY_SIDE}) AS place,
                {_HISTORY_DAYS} * ({{rows}} - number) / {{rows}} AS age,
                fromUnixTimestamp64Milli(toInt64({{until_ms}} - 86400000 * floor(age)
                    - {_BUSY_MS} * (age - floor(age))), 'UTC') AS at,
                arrayMap(i -> cityHash64(number, i), range(12)) AS dice,
                kinds[1 + dice[1] % {len(_ALL_KINDS)}] AS kind,
                1 + dice[8] % {len(_AGENTS)} AS who,
                agents[who] AS agent,
                clis[who] AS cli,
                lower(hex(MD5(concat(session, agent)))) AS agent_id,
                toString(reinterpretAsUUID(MD5(toString(number)))) AS id,
                arrayMap(k -> if(k < {len(WORDS)}, words[k + 1], concat(syllables[1 + k % {len(_SYLLABLES)}],
                        syllables[1 + intDiv(k, {len(_SYLLABLES)}) % {len(_SYLLABLES)}],
                        syllables[1 + intDiv(k, 97) % {len(_SYLLABLES)}])),
                    arrayMap(i -> toUInt32(pow({_VOCABULARY}, cityHash64(number, i, 1) / 18446744073709551616.) - 1),
                        range(toUInt64(multiIf(kind IN ('receipt', 'turn', 'usage'), 4, kind IN ('command', 'text'), 34,
                            20) * (0.3 + 1.4 * ((dice[9] % 1000) / 1000)))))) AS vocabulary,
                arrayStringConcat(vocabulary, ' ') AS line,
                concat('/home/dev/app/src/', words[1 + dice[10] % 40], '/', words[21 + dice[11] % 120], '_',
                    syllables[1 + dice[12] % {len(_SYLLABLES)}], if(dice[12] % 2 = 0, '.py', '.ts')) AS path
            FROM numbers({{first}}, {{count}})
        )
    )
)
"""
