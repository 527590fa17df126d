"""Judges whether a login can work through what is in between, and whether the service's own errors arrive. Pure."""

from __future__ import annotations

import json
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

    from logstream.doctor.findings import Finding
    from logstream.doctor.seen import Answer
    from logstream.doctor.wording import Doctor

_PROBLEM: Final = "application/problem+json"
_ANYBODY: Final = "anybody"
_NOBODY: Final = "nobody is logged in"
"""How the service refuses who has sent neither token nor cookie."""


def judge_doors(doctor: Doctor) -> Iterator[Finding]:
    """Who one is here; and what a login needs, where the service asks for one."""
    session = doctor.seen.doors.session
    told = _json(session)
    if session.status == HTTPStatus.OK and told.get("way") == _ANYBODY:
        is_open = doctor.seen.doors.stranger.status == HTTPStatus.OK
        who = "whoever reaches this address" if is_open else "whoever is let in by the proxy, which asks,"
        yield doctor.ok("access", f"the service asks nobody who they are: {who} reads every log")
        return
    if session.status == HTTPStatus.OK:
        yield doctor.ok("access", f"known as {told.get('name')} (by {told.get('way')})")
    elif not _is_problem(session):
        return  # the errors tell of it
    yield from _authorization(doctor)
    if told.get("way") != "proxy":
        yield from _cookie(doctor)
        yield from _login(doctor)


def judge_errors(doctor: Doctor) -> Iterator[Finding]:
    """Whether what the service says of a mistake is what arrives."""
    answers = doctor.seen.doors.errors
    replaced = [answer for answer in answers if not _is_problem(answer)]
    if replaced:
        told = replaced[0].failure or f"{replaced[0].status} {replaced[0].headers.get('content-type', '')}".strip()
        seen = f"something else arrives in the place of what the service says of a mistake: {told}"
        why = "the page cannot say what is wrong with a query, who is to log in, or when to come back"
        yield doctor.warning("errors", seen, why)
    elif answers:
        yield doctor.ok("errors", "what the service says of a mistake arrives")


def _authorization(doctor: Doctor) -> Iterator[Finding]:
    token, session = doctor.seen.doors.token, doctor.seen.doors.session
    why = "programs send their token in it: to the service they are nobody"
    if not token.status:  # one was given: it has come in, or its refusal tells why not
        if session.status == HTTPStatus.UNAUTHORIZED and _NOBODY in str(_json(session).get("detail", "")):
            yield doctor.error("authorization", "the header Authorization does not reach the service", why)
        return
    if "invalid_token" in token.headers.get("www-authenticate", ""):
        yield doctor.ok("authorization", "the header passes")
    elif token.status == HTTPStatus.UNAUTHORIZED:
        yield doctor.error("authorization", "the header Authorization does not reach the service", why)


def _cookie(doctor: Doctor) -> Iterator[Finding]:
    there, back = doctor.seen.doors.cookie, doctor.seen.doors.logout
    why = "whoever logs in is sent back to the login"
    path = f"{doctor.seen.address.path}/"
    attributes = [part.strip() for part in back.headers.get("set-cookie", "").split(";")[1:]]
    below = next((part[len("path=") :] for part in attributes if part.lower().startswith("path=")), path)
    if there.status == HTTPStatus.UNAUTHORIZED and _NOBODY in str(_json(there).get("detail", "")):
        yield doctor.error("cookie", "the header Cookie does not reach the service", why)
    elif back.status == HTTPStatus.NO_CONTENT and not back.headers.get("set-cookie"):
        yield doctor.error("cookie", "the header Set-Cookie does not come back from the service", why)
    elif back.status == HTTPStatus.NO_CONTENT and not path.startswith(below.rstrip("/") + "/"):
        yield doctor.error("cookie", f"a login is remembered below {below} only, and this address is {path}", why)
    elif back.status == HTTPStatus.NO_CONTENT and doctor.seen.address.is_tls and "Secure" not in attributes:
        why = "the browser would send it in the clear, too"
        yield doctor.warning("cookie", "the cookie comes back without Secure, though this is TLS", why)
    elif back.status == HTTPStatus.NO_CONTENT:
        yield doctor.ok("cookie", "passes both ways")


def _login(doctor: Doctor) -> Iterator[Finding]:
    login = doctor.seen.doors.login
    if login.status == HTTPStatus.BAD_REQUEST:
        yield doctor.ok("login", "what the login page sends is taken")
    elif login.status == HTTPStatus.FORBIDDEN and _is_problem(login):
        seen = "the service takes its own login page for another one: the name that it is asked by is not the browser's"
        yield doctor.error("login", seen, "nobody can log in, whatever they type")
    else:
        seen = f"the login page's own request is answered {login.failure or login.status}"
        yield doctor.error("login", seen, "nobody can log in")


def _is_problem(answer: Answer) -> bool:
    return answer.headers.get("content-type", "").startswith(_PROBLEM)


def _json(answer: Answer) -> dict[str, Any]:
    try:
        told = json.loads(answer.body)
    except ValueError:
        return {}
    return told if isinstance(told, dict) else {}
