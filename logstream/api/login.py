"""Logging in and out: the page for it, `POST /login` and `POST /logout`, and `GET /api/v1/session`.

Owns the cookie's attributes and who may change something by a browser. Names and passwords are in bodies alone.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Final, NamedTuple

import orjson
from quart import Blueprint, Response, current_app, redirect, request

from logstream.access import COOKIE, MOST_PASSWORD_BYTES, is_over_unix_socket, is_own_page, is_secure
from logstream.api.admission import viewer_now
from logstream.api.answers import json_answer
from logstream.api.context import APP_KEY, ApiContext
from logstream.api.problems import problem
from logstream.api.static import send_page

if TYPE_CHECKING:
    from werkzeug.wrappers import Response as AnyResponse

    from logstream.api.gate import Gate, Opened

_log: Final = logging.getLogger(__name__)
_MOST_NAME_CHARACTERS: Final = 128
_MOST_BODY_BYTES: Final = 8192
_JSON: Final = "application/json"

login = Blueprint("login", __name__)


class _Credentials(NamedTuple):
    name: str
    password: str


@login.get("/login")
async def get_login() -> Response | AnyResponse:
    """The page to log in at; where nobody is asked who they are it leads back."""
    if not _gate().policy.asks:
        return redirect("./", 303)
    return await send_page("login.html", "same-origin")


@login.post("/login")
async def log_in() -> Response:
    """Begin a session: `{"name": ..., "password": ...}`; 204 with the cookie, 401, or 429 with `Retry-After`."""
    gate = _gate()
    if (refused := await _of_another_page()) is not None:
        return refused
    credentials = await _credentials()
    if credentials is None:
        return problem(400, "That is no login", 'expected {"name": "...", "password": "..."} as application/json')
    address = gate.client_of(request)
    if wait_seconds := await gate.tries.take(address, credentials.name):
        _log.warning("too many tries to log in, the last from %s", address)
        headers = {"Retry-After": str(wait_seconds)}
        return problem(429, "Too many tries", f"try again in {wait_seconds} s", headers)
    user = gate.policy.users.user(credentials.name)
    is_right = await gate.is_password(user, credentials.password)
    # The users may have been read anew meanwhile.
    if not is_right or user is None or gate.policy.users.user(user.name) != user:
        # Whoever types a password in the wrong field must not find it in a log.
        _log.warning("a login of %s from %s was refused", "somebody unknown" if user is None else user.name, address)
        return problem(401, "Not logged in", "the name or the password is wrong")
    await gate.tries.give_back(address, credentials.name)
    gate.end_session(request.cookies.get(COOKIE))
    _log.info("%s has logged in from %s", user.name, address)
    return _with_cookie(gate, gate.begin_session(user))


@login.post("/logout")
async def log_out() -> Response:
    """End the session, here and for whoever else has its cookie."""
    gate = _gate()
    if (refused := await _of_another_page()) is not None:
        return refused
    name = gate.end_session(request.cookies.get(COOKIE))
    if name is not None:
        _log.info("%s has logged out", name)
    return _with_cookie(gate, None)


@login.get("/api/v1/session")
async def get_session() -> Response:
    """Who you are here; `name` is null where nobody is asked."""
    viewer = viewer_now()
    return json_answer(orjson.dumps({"name": viewer.name, "way": viewer.way, "can_log_out": viewer.way == "session"}))


def _gate() -> Gate:
    context: ApiContext = current_app.extensions[APP_KEY]
    return context.gate


async def _of_another_page() -> Response | None:
    """A refusal, unless a page of this service sent the request."""
    # An answer before all of the request has come costs its sender the connection, and what is sent next on it.
    await request.get_data()
    headers = request.headers
    hosts = [headers.get("Host")]
    if _gate().policy.proxies.holds(request.remote_addr):
        hosts.append(headers.get("X-Forwarded-Host"))
    if any(is_own_page(headers.get("Origin"), headers.get("Sec-Fetch-Site"), host) for host in hosts):
        return None
    detail = "the header Origin does not name this service: only its own page logs in and out; programs send a token"
    return problem(403, "From another page", detail)


async def _credentials() -> _Credentials | None:
    if request.mimetype != _JSON or (request.content_length or 0) > _MOST_BODY_BYTES:
        return None
    try:
        told = orjson.loads(await request.get_data())
    except orjson.JSONDecodeError:
        return None
    name, password = (told.get(key) for key in ("name", "password")) if isinstance(told, dict) else (None, None)
    if not isinstance(name, str) or not isinstance(password, str):
        return None
    is_short = len(name) <= _MOST_NAME_CHARACTERS and len(password.encode()) <= MOST_PASSWORD_BYTES
    return _Credentials(name, password) if is_short else None


def _with_cookie(gate: Gate, opened: Opened | None) -> Response:
    """An answer that sets the cookie, or takes it away.

    Without a path of its own a cookie has that of the request (RFC 6265, 5.1.4): wherever a proxy has put us.
    """
    headers = request.headers
    is_believed = gate.policy.proxies.holds(request.remote_addr) or is_over_unix_socket(request.remote_addr)
    is_tls = is_secure(headers.get("Origin"), headers.get("X-Forwarded-Proto"), is_proxy_believed=is_believed)
    response = Response(b"", 204)
    response.headers["Cache-Control"] = "no-store"
    response.set_cookie(
        COOKIE,
        "" if opened is None else opened.cookie,
        max_age=0 if opened is None else opened.seconds,
        path=gate.cookie_path,
        secure=is_tls,
        httponly=True,
        samesite="Lax",
    )
    return response
