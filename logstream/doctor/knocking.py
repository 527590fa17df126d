"""The probes of what a login needs on its way, and of the service's own errors: requests that change nothing.

Owns how one asks for a right that one has not. Refuses to judge.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from logstream.doctor.asking import ask
from logstream.doctor.seen import Answer, Doors

if TYPE_CHECKING:
    from collections.abc import Mapping

    from logstream.doctor.seen import Address

SESSION_COOKIE: Final = "logstream_session"
_SESSION: Final = "/api/v1/session"
_OWN_ERRORS: Final = ("/api/v1/doctor", "/api/v1/records?limit=x")
"""An address that there is not, and a parameter that cannot be read."""
_WRONG: Final = "doctor"


def knock(address: Address, headers: Mapping[str, str]) -> Doors:
    """What is answered to a wrong token, a wrong cookie, an empty login, and to mistakes."""
    bare = _without_own_session(headers)
    authorization = next((value for name, value in headers.items() if name.lower() == "authorization"), "")
    is_token = authorization.lower().startswith("bearer ")
    # A proxy's own password stays where it is: without it nothing would come through.
    by_cookie = {name: value for name, value in bare.items() if not (is_token and name.lower() == "authorization")}
    session = ask(address, _SESSION, headers)
    token = Answer() if authorization else ask(address, _SESSION, {**bare, "Authorization": f"Bearer {_WRONG}"})
    own = {**by_cookie, "Origin": address.origin, "Content-Type": "application/json"}
    return Doors(
        session,
        token,
        ask(address, _SESSION, _with_cookie(by_cookie, f"{SESSION_COOKIE}={_WRONG}")),
        ask(address, "/login", own, b"{}"),
        ask(address, "/logout", own, b""),
        tuple(ask(address, target, headers) for target in _OWN_ERRORS),
        ask(address, _SESSION, {}),
    )


def _without_own_session(headers: Mapping[str, str]) -> dict[str, str]:
    """The headers without a session of the service, which must not be ended; cookies of a proxy stay."""
    found = {}
    for name, value in headers.items():
        kept = value
        if name.lower() == "cookie":
            cookies = (part.strip() for part in value.split(";"))
            kept = "; ".join(cookie for cookie in cookies if not cookie.startswith(f"{SESSION_COOKIE}="))
        if kept:
            found[name] = kept
    return found


def _with_cookie(headers: Mapping[str, str], cookie: str) -> dict[str, str]:
    """The headers, with one more cookie."""
    given = next((name for name in headers if name.lower() == "cookie"), "Cookie")
    return {**headers, given: f"{headers[given]}; {cookie}" if given in headers else cookie}
