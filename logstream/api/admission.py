"""Before each request: who asks, and whether they are let in at all; what they see of the sources.

Owns which routes need nobody to say who they are. Refuses to verify passwords: that is `login`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from quart import Response, current_app, g, request

from logstream.access import ANYBODY, Viewer, scope_of
from logstream.api.context import APP_KEY
from logstream.api.problems import problem

if TYPE_CHECKING:
    from logstream.access import Refusal, SourceScope
    from logstream.api.context import ApiContext

_NOBODY_IS_ASKED: Final = frozenset(
    {
        "ops.get_health",
        "ops.get_readiness",
        # The page's scripts and styles: the same for everybody, and what the login page is made of.
        "pages.asset",
        "login.get_login",
        "login.log_in",
        "login.log_out",
    }
)
_METRICS: Final = "ops.get_metrics"
_PAGE: Final = "pages.index"
HOW: Final = (
    "log in at the page `login` beside it, or send a token in the header `Authorization: Bearer TOKEN`, as "
    "`logstream token add` makes it (logstream's own commands: LOGSTREAM_TOKEN, or --token-file)"
)


async def admit() -> Response | None:
    """Refuse the request, or note who asks."""
    context: ApiContext = current_app.extensions[APP_KEY]
    endpoint = request.endpoint
    is_for_all = endpoint in _NOBODY_IS_ASKED or (endpoint == _METRICS and context.gate.policy.is_metrics_open)
    found = ANYBODY if is_for_all else context.gate.identify(request)
    if isinstance(found, Viewer):
        g.viewer = found
        return _metrics_of_all() if endpoint == _METRICS and not found.sees_everything else None
    return _to_login() if endpoint == _PAGE else _refused(found)


def viewer_now() -> Viewer:
    """Who asks."""
    viewer: Viewer = g.viewer
    return viewer


def scope_now(context: ApiContext) -> SourceScope:
    """What they see."""
    return scope_of(viewer_now(), context.source_names())


def _to_login() -> Response:
    """The browser keeps what stands behind the `#` by itself (RFC 9110, 10.2.2), and we what stands behind the `?`."""
    query = request.query_string.decode("ascii", "replace")
    response = Response(b"", 303, content_type="text/plain")
    response.headers["Location"] = f"login?{query}" if query else "login"
    response.headers["Cache-Control"] = "no-store"
    return response


def _refused(refusal: Refusal) -> Response:
    error = ', error="invalid_token"' if refusal.is_wrong else ""
    headers = {"WWW-Authenticate": f'Bearer realm="logstream"{error}'}
    return problem(401, "Log in first", f"{refusal.reason}: {HOW}", headers, login=True)


def _metrics_of_all() -> Response:
    detail = "the figures name all sources, and you may not see all of them: a token for every source is needed"
    return problem(403, "Not for you", detail)
