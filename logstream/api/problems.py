"""Errors as RFC 9457 `application/problem+json`: the one place where logstream's errors meet HTTP statuses."""

from __future__ import annotations

from typing import Any

import orjson
from quart import Response

from logstream.api.aside import BusyError, TookTooLongError
from logstream.api.context import AwayError
from logstream.api.gate import LoginsBusyError
from logstream.errors import UsageError
from logstream.rules import QueryError
from logstream.sse import ClosingError, TooManyStreamsError


class BadParameterError(UsageError):
    """A query parameter has a value that cannot be."""

    def __init__(self, name: str, found: str, expected: str) -> None:
        """Remember the parameter, what it held, and what it may hold."""
        super().__init__(name, found, expected)
        self.name = name
        self.found = found
        self.expected = expected

    def __str__(self) -> str:
        """One line for people."""
        return f"{self.name}={self.found!r}: expected {self.expected}"


class UnknownSourceError(UsageError):
    """A source was asked for that is not configured."""

    def __init__(self, name: str, known: tuple[str, ...]) -> None:
        """Remember the name or glob asked for, and the names there are."""
        super().__init__(name, known)
        self.name = name
        self.known = known

    def __str__(self) -> str:
        """One line for people."""
        return f"no source matches {self.name!r}; there are: {', '.join(self.known) or 'none'}"


class UnknownIdError(UsageError):
    """An id leads nowhere; `reason` says why."""

    def __init__(self, parameter: str, text: str, reason: str) -> None:
        """Remember the parameter, the id, and the reason."""
        super().__init__(parameter, text, reason)
        self.parameter = parameter
        self.text = text
        self.reason = reason

    def __str__(self) -> str:
        """One line for people."""
        return f"{self.parameter}={self.text!r}: {self.reason}"


def problem(status: int, title: str, detail: str, headers: dict[str, str] | None = None, **facts: object) -> Response:
    """A problem response; `facts` become members beside the standard ones."""
    body: dict[str, Any] = {"type": "about:blank", "title": title, "status": status, "detail": detail, **facts}
    response = Response(orjson.dumps(body), status, content_type="application/problem+json")
    response.headers["Cache-Control"] = "no-store"
    response.headers.update(headers or {})
    return response


def problem_of(error: Exception) -> Response:
    """The response that tells a client of `error`; raises it again if it is not a client's business."""
    match error:
        case QueryError():
            return problem(
                400, "The query cannot be read", str(error),
                parameter="q", column=error.column, expected=error.expected, code=error.code, facts=error.facts,
            )  # fmt: skip
        case BadParameterError():
            title = "A parameter cannot be read"
            return problem(400, title, str(error), parameter=error.name, expected=error.expected)
        case UnknownSourceError():
            facts = {"name": error.name}
            known = list(error.known)
            return problem(404, "No such source", str(error), code="unknown_source", facts=facts, known=known)
        case UnknownIdError():
            return problem(404, "No such id", str(error), parameter=error.parameter)
        case TookTooLongError():
            return problem(
                400, "The query takes too long", str(error), parameter="q", column=1, expected="less", code="slow"
            )
        case TooManyStreamsError() | BusyError() | ClosingError() | AwayError() | LoginsBusyError():
            return _try_later(error)
        case _:
            raise error


def _try_later(error: TooManyStreamsError | BusyError | ClosingError | AwayError | LoginsBusyError) -> Response:
    headers = {"Retry-After": str(error.retry_after_seconds)}
    match error:
        case TooManyStreamsError():
            status = 429 if error.scope == "client" else 503
            return problem(status, "Too many streams", str(error), headers, limit=error.limit)
        case BusyError():
            return problem(503, "Too many new queries", str(error), headers)
        case LoginsBusyError():
            return problem(503, "Too many logins", str(error), headers)
        case AwayError():
            return problem(503, "Nobody knows just now", str(error), headers)
        case ClosingError():
            return problem(503, "The server is going down", str(error), headers)
