"""`/openapi.json` and `/docs`: what the routes take and answer, for programs and for people.

Owns the two forms. Refuses to say what is in them: that is `schema`'s. The page is made here, of plain HTML: the usual
ones load scripts from another host, which neither our content policy nor a machine behind a firewall allows.
"""

from __future__ import annotations

import asyncio
import threading
from html import escape
from typing import TYPE_CHECKING, Any, NamedTuple

import orjson
from quart import Blueprint, Response, current_app

if TYPE_CHECKING:
    from quart import Quart

docs = Blueprint("docs", __name__)
_KEY = "logstream-docs"
_HEAD = (
    '<!doctype html><html lang="en"><head><meta charset="utf-8"><title>logstream: API</title>'
    '<meta name="color-scheme" content="light dark"><meta name="viewport" content="width=device-width"></head><body>'
    '<main><h1>logstream: API</h1><p>As a program reads it: <a href="openapi.json">openapi.json</a></p>'
)


class _Told(NamedTuple):
    """The schema as JSON, and as a page."""

    schema: bytes
    page: str


class _Description:
    """What an app says of itself: made at the first question, and only once, for it does not change while it serves."""

    def __init__(self, app: Quart) -> None:
        self._app = app
        self._making = threading.Lock()
        self._told: _Told | None = None

    async def told(self) -> _Told:
        if self._told is not None:
            return self._told
        # In a thread: with all that has to be imported for it, it takes a tenth of a second.
        return await asyncio.to_thread(self._make)

    def _make(self) -> _Told:
        with self._making:
            if self._told is not None:
                return self._told
            # Not when the service starts: see there.
            from logstream.api.schema import schema_of  # noqa: PLC0415

            schema = schema_of(self._app)
            encoded = orjson.dumps(schema, option=orjson.OPT_NON_STR_KEYS | orjson.OPT_SORT_KEYS)
            self._told = _Told(encoded, _page(schema))
            return self._told


def describe(app: Quart) -> None:
    """Let `app` tell its schema."""
    app.extensions[_KEY] = _Description(app)


@docs.get("/openapi.json")
async def get_schema() -> Response:
    """The API for programs."""
    return Response((await _told()).schema, content_type="application/json")


@docs.get("/docs")
async def get_docs() -> Response:
    """The API for people."""
    return Response((await _told()).page, content_type="text/html; charset=utf-8")


async def _told() -> _Told:
    description: _Description = current_app.extensions[_KEY]
    return await description.told()


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
