"""`GET /api/v1/query`: a query in words, what is wrong with it, and what could be typed next.

Owns the answer's form. Refuses to select lines: a query that cannot be read is an answer here, not an error.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import orjson
from quart import Blueprint, Response, current_app, request

from logstream.api.admission import scope_now
from logstream.api.answers import json_answer
from logstream.api.asked import TOLD, refuse_others, single
from logstream.api.context import APP_KEY, ApiContext
from logstream.api.problems import BadParameterError
from logstream.api.rules import is_seen
from logstream.rules import Explanation, Names, explain

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

queries = Blueprint("queries", __name__)
CURSOR = "cursor"
QUERY_PARAMETERS = frozenset({"q", CURSOR})
_MOST_DIGITS = 6


@queries.get("/api/v1/query")
async def get_query() -> Response:
    """Explain a query without asking it: its normal form, what it selects in words, mistakes, and completions."""
    context: ApiContext = current_app.extensions[APP_KEY]
    arguments = request.args.to_dict(flat=False)
    refuse_others(arguments, QUERY_PARAMETERS)
    scope = scope_now(context)
    events = dict.fromkeys(rule.event for rule in context.hub.rules.rules if rule.event and is_seen(rule, scope))
    names = Names(scope.names, ("line", *events))
    explained = partial(explain, single(arguments, "q") or "", read_cursor(arguments), names)
    return json_answer(orjson.dumps(_told(await context.aside.run(explained))))


def read_cursor(arguments: Mapping[str, Sequence[str]]) -> int | None:
    """The `cursor` parameter; raises BadParameterError."""
    text = single(arguments, CURSOR)
    if not text:
        return None
    if not (text.isascii() and text.isdigit() and len(text) <= _MOST_DIGITS):
        raise BadParameterError(CURSOR, text[:TOLD], "how many characters stand before the cursor")
    return int(text)


def _told(explained: Explanation) -> dict[str, object]:
    error = explained.error
    return {
        "valid": error is None,
        "canonical": explained.canonical,
        "explanation": explained.words,
        "error": None
        if error is None
        else {
            "column": error.column,
            "expected": error.expected,
            "found": error.found,
            "hint": error.hint,
            "code": error.code,
            "facts": error.facts,
            "message": str(error),
        },
        "hints": explained.hints,
        "completions": [completion._asdict() for completion in explained.completions],
    }
