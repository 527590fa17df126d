from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson
import pytest

from logstream.api.problems import BadParameterError, UnknownSourceError, problem, problem_of
from logstream.errors import LogstreamError
from logstream.rules import QueryError, parse_query
from logstream.sse import ClosingError, TooManyStreamsError

if TYPE_CHECKING:
    from quart import Response


async def body_of(response: Response) -> dict[str, Any]:
    found: dict[str, Any] = orjson.loads(await response.get_data())
    return found


def query_error() -> QueryError:
    with pytest.raises(QueryError) as caught:
        parse_query("one (two")
    return caught.value


async def test_a_problem_has_the_standard_members_and_the_facts_and_is_not_stored() -> None:
    response = problem(418, "Teapot", "It is short and stout.", {"Retry-After": "3"}, spout=True)

    assert response.status_code == 418
    assert response.content_type == "application/problem+json"
    assert (response.headers["Cache-Control"], response.headers["Retry-After"]) == ("no-store", "3")
    assert await body_of(response) == {
        "type": "about:blank", "title": "Teapot", "status": 418, "detail": "It is short and stout.", "spout": True,
    }  # fmt: skip


async def test_a_query_that_cannot_be_read_is_told_with_its_column() -> None:
    response = problem_of(query_error())
    body = await body_of(response)

    assert response.status_code == body["status"] == 400
    assert (body["parameter"], body["column"]) == ("q", query_error().column)
    assert body["expected"] == query_error().expected
    assert str(body["column"]) in body["detail"]


async def test_a_bad_parameter_is_told_with_what_was_expected() -> None:
    response = problem_of(BadParameterError("from", "soon\n", "now or start"))
    body = await body_of(response)

    assert response.status_code == 400
    assert (body["parameter"], body["expected"]) == ("from", "now or start")
    assert body["detail"] == "from='soon\\n': expected now or start"


@pytest.mark.parametrize(("known", "told"), [(("app", "web"), "app, web"), ((), "none")])
async def test_an_unknown_source_is_told_with_those_that_there_are(known: tuple[str, ...], told: str) -> None:
    response = problem_of(UnknownSourceError("nginx", known))
    body = await body_of(response)

    assert response.status_code == 404
    assert body["known"] == list(known)
    assert body["detail"] == f"no source matches 'nginx'; there are: {told}"


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (TooManyStreamsError(7, 4, "client"), 429),
        (TooManyStreamsError(7, 4, "server"), 503),
        (ClosingError(4), 503),
    ],
)
async def test_who_is_refused_for_now_is_told_when_to_come_back(error: Exception, status: int) -> None:
    response = problem_of(error)

    assert response.status_code == status
    assert response.headers["Retry-After"] == "4"
    assert (await body_of(response)).get("limit") == (7 if isinstance(error, TooManyStreamsError) else None)


def test_what_is_no_clients_business_is_raised_again() -> None:
    error = LogstreamError("secret")
    with pytest.raises(LogstreamError) as caught:
        problem_of(error)
    assert caught.value is error
