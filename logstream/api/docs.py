"""`/openapi.json` and `/docs`: what the routes take and answer.

The page is made here, of plain HTML: the usual ones load scripts from another host, which neither our content policy
nor a machine behind a firewall allows.
"""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Any

from quart import Blueprint, Response, current_app
from quart_schema import HttpSecurityScheme, Info, QuartSchema, hide
from quart_schema.openapi import APIKeySecurityScheme, OpenAPIProvider

from logstream import __version__
from logstream.access import COOKIE

if TYPE_CHECKING:
    from collections.abc import Iterable

    from quart import Quart
    from quart_schema.extension import SecuritySchemeInput
    from werkzeug.routing import Rule

docs = Blueprint("docs", __name__)
_HEAD = (
    '<!doctype html><html lang="en"><head><meta charset="utf-8"><title>logstream: API</title>'
    '<meta name="color-scheme" content="light dark"><meta name="viewport" content="width=device-width"></head><body>'
    '<main><h1>logstream: API</h1><p>As a program reads it: <a href="openapi.json">openapi.json</a></p>'
)
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
    "/docs": {"text/html": _TEXT},
    "/openapi.json": {"application/json": {"schema": {"type": "object"}}},
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


class _Provider(OpenAPIProvider):
    """Tells the true type of each answer: problems and events are not `application/json`."""

    _made: dict[str, Any] | None = None

    def schema(self) -> dict[str, Any]:
        """Made once: it takes some 25 ms, and does not change while the service runs."""
        if self._made is None:
            self._made = super().schema()
        return self._made

    def generate_rules(self) -> Iterable[Rule]:
        return [rule for rule in super().generate_rules() if rule.rule != "/" and not rule.rule.startswith("/assets/")]

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


def describe(app: Quart) -> None:
    """Let `app` tell its schema."""
    QuartSchema(
        app,
        info=Info(title="logstream", version=__version__),
        swagger_ui_path=None,
        redoc_ui_path=None,
        scalar_ui_path=None,
        conversion_preference="pydantic",
        openapi_provider_class=_Provider,
        security_schemes=_SCHEMES,
        security=[{name: []} for name in _SCHEMES],
    )


@docs.get("/docs")
@hide
async def get_docs() -> Response:
    """The API for people."""
    schema = current_app.extensions["QUART_SCHEMA"].openapi_provider.schema()
    return Response(_page(schema), content_type="text/html; charset=utf-8")


def _page(schema: dict[str, Any]) -> str:
    parts = [_HEAD]
    for path, operations in sorted(schema["paths"].items()):
        for method, operation in operations.items():
            parts.append(f"<section><h2><code>{method.upper()} {escape(path)}</code></h2>")
            parts.append(f"<p>{escape(operation.get('summary', ''))} {escape(operation.get('description', ''))}</p>")
            parts.append(_parameters(operation.get("parameters", [])))
            parts.append(_responses(operation["responses"]))
            parts.append("</section>")
    return "".join([*parts, "</main></body></html>"])


def _parameters(parameters: list[dict[str, Any]]) -> str:
    if not parameters:
        return ""
    rows = [
        f"<dt><code>{escape(item['name'])}</code></dt><dd>{escape(item.get('description', ''))}</dd>"
        for item in parameters
    ]
    return f"<h3>Parameters</h3><dl>{''.join(rows)}</dl>"


def _responses(responses: dict[Any, Any]) -> str:
    rows = [
        f"<dt>{status} <code>{escape(', '.join(response.get('content', {})))}</code></dt>"
        f"<dd>{escape(response.get('description', ''))}</dd>"
        for status, response in responses.items()
    ]
    return f"<h3>Answers</h3><dl>{''.join(rows)}</dl>"
