"""`GET /api/v1/rules`: the rules in force, what each has done, and what each open view has.

Owns the answer's form. Refuses to count.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson
from quart import Blueprint, Response, current_app
from quart_schema import document_response

from logstream.api.answers import json_answer
from logstream.api.context import APP_KEY, ApiContext
from logstream.api.frames import utc_text
from logstream.api.models import Rules
from logstream.rules import remarks

if TYPE_CHECKING:
    from logstream.hub.view import ViewEvidence
    from logstream.rules import Evidence, Rule

rules = Blueprint("rules", __name__)


@rules.get("/api/v1/rules")
@document_response(Rules)
async def get_rules() -> Response:
    """The rules in their order, with what each has done since the service started, and the open views.

    A rule that never fired, or that costs more than its share, has a `remark`.
    """
    context: ApiContext = current_app.extensions[APP_KEY]
    in_force, evidence, views = await context.rules()
    remarked = remarks(evidence)
    answer = {
        "rules": [
            {**_rule(rule), **_evidence(one), "remark": remarked.get(rule.name)}
            for rule, one in zip(in_force, evidence, strict=True)
        ],
        "views": [_view(view) for view in views],
    }
    return json_answer(orjson.dumps(answer))


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
