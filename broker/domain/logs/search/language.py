r"""The language of log searches, as people know it from log tools.

    agent:Backend kind:command "exit 1" -lint        all conditions hold
    word   "words in order"   *part of a word*       what to look for; any case; a minus before it excludes
    session: agent: cli: kind: exit:                 one or several, a,b; -agent: and -kind: exclude
    tool:relay_*   command:"npm *"   path:src/*.py   shell-style patterns
    exit:1   exit:!=0   failed:true                  exit:!=0 says the same as failed:true
    since:2h   until:2026-11-22T10:00                an age (s m h d w) or a time, UTC unless it says otherwise

A bare term that the index splits, `exit_code` or `localhost:8080`, is the phrase of its parts; one without any letter
or digit, or in a script that puts no space between words, is looked for as characters. Only these fields are any:
another word before a colon is text. In quotes everything is text; there a backslash stands before `"` and `\`.
"""

from __future__ import annotations

from datetime import datetime

from broker.domain.logs.search.lexer import conditions
from broker.domain.logs.search.parser import Reading
from broker.domain.logs.search.query import LogQuery


def parse(text: str, *, now: datetime) -> LogQuery:
    """Read a search; `now` is what ages count from. Raises `InvalidQuery`.

    `sessions` holds the sessions as they are written; whether that is a name or an id is for the caller to find out.
    """
    reading = Reading(text, now)
    for condition in conditions(text):
        reading.take(condition)
    return reading.query()
