"""Ready-made routes and answers for apps that need no others: streams by source name, refusals, the resume hook."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from quart import Blueprint, Response, request

from logstream.sse.errors import RefusedError, TooManyStreamsError, UnknownSourceError

if TYPE_CHECKING:
    from collections.abc import Callable

    from logstream.sse.streams import Streams


def requested_last_event_id() -> str | None:
    """The last id that the client of the current request saw: header `Last-Event-ID`, else parameter `last_event_id`.

    The header wins: a reconnecting EventSource sends it, while its URL still holds what the page began with. The header
    is UTF-8 (WHATWG HTML 9.2.3), but reaches a view as Latin-1. Any text may come; it is the client's word, not ours.
    """
    header = request.headers.get("Last-Event-ID", "")
    if header:
        return header.encode("latin-1", "replace").decode("utf-8", "replace")
    return request.args.get("last_event_id") or None


def remote_address() -> str:
    """Who asks, by address. Behind a proxy that is the proxy: pass your own function there."""
    return request.remote_addr or "local"


def refusal_response(error: RefusedError) -> Response:
    """429 or 503 with `Retry-After`, as problem+json (RFC 9457). A native EventSource gives up for good on either."""
    status = 429 if isinstance(error, TooManyStreamsError) and error.scope == "client" else 503
    return _problem(status, str(error), {"Retry-After": str(error.retry_after_seconds)})


def stream_blueprint(streams: Streams, *, client: Callable[[], str] = remote_address) -> Blueprint:
    """`GET /NAME` streams the registered source NAME, resuming after `requested_last_event_id`; 404, 429, 503 if not.

    `client` tells whom the limit per client counts; it runs inside the request.
    """
    blueprint = Blueprint("sse", __name__)

    @blueprint.get("/<name>")
    async def stream(name: str) -> Response:
        return await streams.respond_from(name, last_event_id=requested_last_event_id(), client=client())

    @blueprint.errorhandler(RefusedError)
    async def refuse(error: RefusedError) -> Response:
        return refusal_response(error)

    @blueprint.errorhandler(UnknownSourceError)
    async def not_found(error: UnknownSourceError) -> Response:
        return _problem(404, str(error), {})

    return blueprint


def _problem(status: int, detail: str, headers: dict[str, str]) -> Response:
    body = json.dumps({"status": status, "title": detail})
    return Response(body, status, headers, content_type="application/problem+json")
