"""What the routes take and answer, as a schema of OpenAPI.

Owns which model stands for what. Refuses to be imported with the routes: the libraries that it takes, and the models,
are a tenth of all that a start would import, and most services are never asked for their schema. `docs` imports it
beside the event loop.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

from quart import Quart
from quart_schema import HttpSecurityScheme, Info, QuartSchema, document_querystring, document_response, hide
from quart_schema.openapi import APIKeySecurityScheme, OpenAPIProvider

from logstream import __version__
from logstream.access import COOKIE
from logstream.api import models

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pydantic import BaseModel
    from quart_schema.extension import SecuritySchemeInput
    from werkzeug.routing import Rule

_PROBLEM_FROM = 400
_TEXT = {"schema": {"type": "string"}}
_OTHER_TYPES: dict[str, dict[str, Any]] = {
    "/api/v1/stream": {"text/event-stream": _TEXT},
    "/api/v1/export": {
        "text/plain": _TEXT,
        "application/x-ndjson": _TEXT,
        "text/csv": _TEXT,
        "application/vnd.logstream.export-pieces": _TEXT,
    },
    "/metrics": {"text/plain": _TEXT},
}


# A token of `logstream token add`, or the cookie of the page's own login; where no access is configured, nothing.
_SCHEMES: dict[str, SecuritySchemeInput] = {
    "token": HttpSecurityScheme(scheme="bearer"),
    "session": APIKeySecurityScheme(in_="cookie", name=COOKIE),
}
_UNKNOWN = {
    "description": "Where access is configured: nobody is logged in, and no token that is known was sent.",
    "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}},
}
_FOR_ALL = frozenset({"/healthz", "/readyz"})


class _Route(NamedTuple):
    """What a route takes in its address, and what it answers with which status."""

    answers: Mapping[int, type[BaseModel]]
    query: type[BaseModel] | None = None


def _problems(*statuses: int) -> dict[int, type[BaseModel]]:
    return dict.fromkeys(statuses, models.Problem)


ROUTES: Final[Mapping[str, _Route]] = {
    "stream.get_stream": _Route(_problems(400, 404, 429, 503), models.StreamQuery),
    "records.get_records": _Route({200: models.Records, **_problems(400, 404, 503)}, models.RecordsQuery),
    "records.get_histogram": _Route({200: models.Histogram, **_problems(400, 404, 503)}, models.HistogramQuery),
    "exports.get_export": _Route(_problems(400, 404, 503), models.ExportQuery),
    "queries.get_query": _Route({200: models.QueryExplanation, **_problems(400, 503)}, models.ExplainQuery),
    "rules.get_rules": _Route({200: models.Rules}),
    "ops.get_sources": _Route({200: models.Sources}),
    "ops.get_health": _Route({200: models.Health}),
    "ops.get_readiness": _Route({200: models.ReadinessAnswer, 503: models.ReadinessAnswer}),
    "ops.get_metrics": _Route(_problems(403)),
    "login.get_session": _Route({200: models.SessionAnswer, **_problems(401)}),
}
HIDDEN: Final = frozenset(
    {
        "login.get_login",
        "login.log_in",
        "login.log_out",
        "docs.get_docs",
        "docs.get_schema",
        "pages.index",
        "pages.asset",
    }
)
"""The page's own, and the description itself."""


class _Provider(OpenAPIProvider):
    """Tells the true type of each answer: problems and events are not `application/json`."""

    def build_paths(self, rule: Rule) -> tuple[dict[str, Any], dict[str, Any]]:
        paths, components = super().build_paths(rule)
        for path, operations in paths.items():
            for operation in operations.values():
                operation.setdefault("responses", {})
                if path in _FOR_ALL:
                    operation["security"] = []
                else:
                    operation["responses"].setdefault(401, dict(_UNKNOWN))
                _correct(path, operation["responses"])
        return paths, components


def _correct(path: str, responses: dict[Any, Any]) -> None:
    if path in _OTHER_TYPES and 200 not in responses:  # noqa: PLR2004 - an HTTP status
        responses[200] = {"description": "", "content": dict(_OTHER_TYPES[path])}
    for status, response in responses.items():
        content = response.get("content", {})
        problems = status >= _PROBLEM_FROM and "Problem" in str(content.get("application/json", ""))
        if problems:
            content["application/problem+json"] = content.pop("application/json")


def schema_of(app: Quart) -> dict[str, Any]:
    """The schema of `app`, which may be serving; it takes some 25 ms."""
    # The library sets itself up in an app, and one that serves takes no more set-up: it gets one with the same routes.
    told = Quart("logstream", static_folder=None)
    extension = QuartSchema(
        told,
        info=Info(title="logstream", version=__version__),
        openapi_path=None,
        conversion_preference="pydantic",
        openapi_provider_class=_Provider,
        security_schemes=_SCHEMES,
        security=[{name: []} for name in _SCHEMES],
    )
    for blueprint in app.blueprints.values():
        told.register_blueprint(blueprint)
    _document(told)
    return extension.openapi_provider.schema()


def _document(app: Quart) -> None:
    for name in HIDDEN:
        hide(app.view_functions[name])
    for name, route in ROUTES.items():
        view = app.view_functions[name]
        if route.query is not None:
            document_querystring(route.query)(view)
        for status, model in route.answers.items():
            document_response(model, status)(view)
