"""The built page, straight from the package: assets are named by their content and cached for good, the page is not."""

from __future__ import annotations

import errno
from pathlib import Path

from quart import Blueprint, Response, request, send_from_directory
from werkzeug.exceptions import NotFound

from logstream.api.headers import PAGE_POLICY

ROOT = Path(__file__).resolve().parent.parent / "static"
_IMMUTABLE = "public, max-age=31536000, immutable"
NOT_BUILT = """logstream: the page is not built. In a clone, `make run` builds it; the stream itself works without it:
curl -N http://.../api/v1/stream?from=-10
"""
# A worker obeys the policy of its own script: it asks for the stream, and does nothing else.
_WORKER_POLICY = "default-src 'none'; connect-src 'self'"

pages = Blueprint("pages", __name__)


@pages.get("/")
async def index() -> Response:
    """The page."""
    return await send_page("index.html", "no-referrer")


@pages.get("/assets/<path:name>")
async def asset(name: str) -> Response:
    """A script, style or picture of the page."""
    response = await _sent(ROOT / "assets", name)
    response.headers["Cache-Control"] = _IMMUTABLE
    response.headers["Content-Security-Policy"] = _WORKER_POLICY
    return response


async def send_page(name: str, referrer_policy: str) -> Response:
    """An HTML file of the built page; 503 where it was not built."""
    if not (ROOT / name).is_file():
        return Response(NOT_BUILT, 503, content_type="text/plain; charset=utf-8")
    response = await _sent(ROOT, name)
    response.headers["Cache-Control"] = "no-cache"
    response.headers["Content-Security-Policy"] = PAGE_POLICY
    response.headers["Referrer-Policy"] = referrer_policy
    return response


async def _sent(directory: Path, name: str) -> Response:
    """The file, or that it has not changed. Whole: a part is not offered, as Quart fails on `Range: bytes=-5`."""
    try:
        response = await send_from_directory(directory, name, conditional=False)
    except OSError as error:
        if error.errno != errno.ENAMETOOLONG:
            raise
        raise NotFound from error
    return await response.make_conditional(request)
