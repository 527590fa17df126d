"""The Quart app: routes, errors as problems, and nothing global. `create_app` is all that others use."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from quart import Quart, Response
from werkzeug.exceptions import HTTPException, NotFound

from logstream.api.admission import admit
from logstream.api.context import APP_KEY, ApiContext
from logstream.api.docs import describe, docs
from logstream.api.explain import queries
from logstream.api.export import exports
from logstream.api.headers import RAW_SECURITY_HEADERS, SECURITY_HEADERS
from logstream.api.login import login
from logstream.api.ops import ops
from logstream.api.problems import problem, problem_of
from logstream.api.records import records
from logstream.api.rules import rules
from logstream.api.static import pages
from logstream.api.stream import stream
from logstream.errors import LogstreamError

if TYPE_CHECKING:
    from hypercorn.typing import ASGIFramework, ASGIReceiveCallable, ASGISendCallable, Scope

_log = logging.getLogger(__name__)
_MOST_BODY_BYTES = 16 * 1024
"""No route takes more than a name and a password."""
_NOTHING_HERE = "there is nothing at this path of logstream; /docs says what there is"


def create_app(context: ApiContext) -> Quart:
    """An app that serves `context`."""
    app = Quart("logstream", static_folder=None)
    app.extensions[APP_KEY] = context
    app.config["MAX_CONTENT_LENGTH"] = _MOST_BODY_BYTES
    describe(app)
    for blueprint in (stream, records, exports, queries, rules, ops, docs, login, pages):
        app.register_blueprint(blueprint)
    app.register_error_handler(LogstreamError, problem_of)
    app.register_error_handler(HTTPException, _http_problem)
    app.register_error_handler(Exception, _unexpected)
    app.before_request(admit)
    app.after_request(_harden)
    return app


async def _http_problem(error: HTTPException) -> Response:
    headers = {name: value for name, value in error.get_headers() if name == "Allow"}
    detail = _NOTHING_HERE if isinstance(error, NotFound) else error.description or error.name
    return problem(error.code or 500, error.name, detail, headers)


async def _unexpected(error: Exception) -> Response:
    _log.error("a request failed", exc_info=error)
    return problem(500, "Internal error", "The server failed to answer; its log says why.")


async def _harden(response: Response) -> Response:
    for name, value in SECURITY_HEADERS.items():
        response.headers.setdefault(name, value)
    return response


class UnderPath:
    """Serves an app below `root_path`: `/logs` and `/logs/...`, but not `/logsmith`.

    Frameworks that cut the prefix by `startswith` route `/logsmith` as `mith` and answer 404 for `/logs`.
    """

    def __init__(self, app: ASGIFramework, root_path: str) -> None:
        """Wrap an ASGI `app`; an empty `root_path` changes nothing."""
        self._app = app
        self._root_path = root_path

    async def __call__(self, scope: Scope, receive: ASGIReceiveCallable, send: ASGISendCallable) -> None:
        """Strip the prefix from the path where it stands; a proxy may have stripped it already."""
        root = self._root_path
        if root and scope["type"] == "http":
            if scope["path"] == root:
                await _redirect(send, f"{root}/")
                return
            if scope["path"].startswith(f"{root}/"):
                scope = {**scope, "path": scope["path"][len(root) :]}
        await self._app(scope, receive, send)


async def _redirect(send: ASGISendCallable, location: str) -> None:
    """The page's addresses are relative: below `/logs` without its slash they would lead nowhere."""
    headers = [*RAW_SECURITY_HEADERS, (b"location", location.encode("ascii")), (b"content-length", b"0")]
    await send({"type": "http.response.start", "status": 308, "headers": headers, "trailers": False})
    await send({"type": "http.response.body", "body": b"", "more_body": False})
