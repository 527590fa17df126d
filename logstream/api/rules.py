"""`GET /api/v1/rules`: the rules in force, what each has done, and what each open view has.

Owns the answer's form, and what of it is told to those who do not see all sources. Refuses to count.
"""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any

import orjson
from quart import Blueprint, Response, current_app

from logstream.api.admission import scope_now
from logstream.api.answers import json_answer
from logstream.api.context import APP_KEY, ApiContext
from logstream.api.frames import utc_text
from logstream.rules import remarks

if TYPE_CHECKING:
    from collections.abc import Iterable

    from logstream.access import SourceScope
    from logstream.hub.view import ViewEvidence
    from logstream.rules import Evidence, Rule

rules = Blueprint("rules", __name__)


@rules.get("/api/v1/rules")
async def get_rules() -> Response:
    """The rules in their order, with what each has done since the service started, and the open views.

    A rule that never fired, or that costs more than its share, has a `remark`. Who does not see all sources is told the
    rules for those that they see, and no counts: they are of all lines.
    """
    context: ApiContext = current_app.extensions[APP_KEY]
    in_force, evidence, views = await context.rules()
    scope = scope_now(context)
    if not scope.is_whole:
        return json_answer(orjson.dumps({"rules": _seen(in_force, scope), "views": []}))
    remarked = remarks(evidence)
    answer = {
        "rules": [
            {**_rule(rule), **_evidence(one), "remark": remarked.get(rule.name)}
            for rule, one in zip(in_force, evidence, strict=True)
        ],
        "views": [_view(view) for view in views],
    }
    return json_answer(orjson.dumps(answer))


def is_seen(rule: Rule, scope: SourceScope) -> bool:
    """Whether the rule is about a source that the viewer sees."""
    source = rule.source
    return scope.is_whole or source is None or any(fnmatchcase(name, source) for name in scope.names)


def _seen(rules: Iterable[Rule], scope: SourceScope) -> list[dict[str, Any]]:
    """What is told of rules where sources are hidden: which lines they are for may name such a source."""
    hidden = {"source": None, "where": None, "lines_tried": None, "hits": None, "last_hit": None, "ns_a_line": None}
    return [{**_rule(rule), **hidden, "remark": None} for rule in rules if is_seen(rule, scope)]


def _rule(rule: Rule) -> dict[str, Any]:
    return {
        "name": rule.name,
        "match": rule.match,
        "source": rule.source,
        "level": None if rule.level is None else str(rule.level),
        "where": rule.where,
        "action": rule.action,
        "event": rule.event,
        "set_level": None if rule.set_level is None else rule.set_level.word,
        "highlight": rule.highlight,
        "redact": rule.redact,
    }


def _view(view: ViewEvidence) -> dict[str, Any]:
    told = {"sources": view.sources, "query": view.query, "shape": view.shape, "subscribers": view.subscribers}
    return {**told, **_evidence(view.evidence)}


def _evidence(evidence: Evidence) -> dict[str, Any]:
    return {
        "lines_tried": evidence.lines_tried,
        "hits": evidence.hits,
        "last_hit": None if evidence.last_hit_ms is None else utc_text(evidence.last_hit_ms),
        "ns_a_line": evidence.ns_a_line,
    }
