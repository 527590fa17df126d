"""The published schema against the real service: whatever is asked along it, the service answers and never fails."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis import checks
from schemathesis.core.result import Ok
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from tests.running import SOURCES, running

if TYPE_CHECKING:
    from pathlib import Path

    from schemathesis import Case

RULES = '[[rule]]\nname = "errors"\nlevel = "error"\nhighlight = "red"\n'
LINES = ["ERROR one", '{"level":"warn","status":503}', "2026-11-01T10:00:00Z two", "a=1 b=2"]
PATIENCE_SECONDS = 20
STREAM = "/api/v1/stream"
CHECKS = [
    checks.not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
]
GENERATED = settings(
    max_examples=60,
    deadline=None,
    derandomize=True,
    database=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)
TIMES = [
    *("0000-00-00", "0001-01-01T00:00:00Z", "2026-11-01T10:00:00+01:00", "2999-01-01T00:00:00Z"),
    "9999-12-31T23:59:59-12:00",
]
SIGNS = ["(", ")", " OR ", "-", '"', "/", "/i", ">=", "*", "?", "\\", "[", " "]
PIECES = st.sampled_from([*SIGNS, *TIMES, "level:", "warn", "time:", "status:", "500", "é", "a"])
NUMBERS = ["0", "1", "1000", "1001", "10" * 40, "-1", "1.5", "²"]


def operations(url: str) -> dict[str, Any]:
    schema = schemathesis.openapi.from_url(f"{url}/openapi.json")
    found = [result.ok() for result in schema.get_all_operations() if isinstance(result, Ok)]
    return {operation.path: operation for operation in found}


def ask(case: Case[Any], url: str) -> None:
    """Ask for a case: no error of the server, and, but for streams, an answer as the schema has it."""
    with requests.request(
        **case.as_transport_kwargs(base_url=url), stream=True, timeout=PATIENCE_SECONDS, allow_redirects=False
    ) as response:
        assert response.status_code < 500, (response.url, response.text)
        if case.operation.path == STREAM:
            return
        case.validate_response(response, checks=CHECKS)


def test_no_request_along_the_schema_makes_the_service_fail(tmp_path: Path) -> None:
    with running(tmp_path, SOURCES + RULES) as service:
        service.write("a.log", *LINES)
        service.wait_until_read("a.log")
        found = operations(service.url)
        assert {STREAM, "/api/v1/records", "/api/v1/query", "/api/v1/rules", "/metrics"} <= set(found)
        for operation in found.values():

            @GENERATED
            @given(case=operation.as_strategy())
            def no_failure(case: Case[Any]) -> None:
                ask(case, service.url)

            no_failure()
        service.wait_until_ready()
        assert "a request failed" not in service.stderr


def test_no_parameters_that_almost_make_sense_do_either(tmp_path: Path) -> None:
    with running(tmp_path, SOURCES + RULES) as service, requests.Session() as session:
        service.write("a.log", *LINES)
        service.wait_until_read("a.log")
        known = [record["id"] for record in service.get("/api/v1/records").json()["records"]]
        ids = st.sampled_from([*known, known[0][:-1], "1.aaaaaaaa.0.0", "1", "\x00", known[0] + "\n"])
        texts = st.lists(PIECES, max_size=8).map("".join)
        values = {
            **dict.fromkeys(("before", "after", "around", "last_event_id"), ids),
            **dict.fromkeys(("since", "until"), st.sampled_from(TIMES)),
            **dict.fromkeys(("limit", "buckets", "cursor"), st.sampled_from(NUMBERS)),
            "q": texts,
            "source": st.sampled_from(["app", "*", "[", "nothing"]),
            "from": st.one_of(ids, st.sampled_from([*TIMES, "now", "start", "-1", "-0", "-99999999999"])),
            "shape": st.sampled_from(["line", "batch", "round"]),
            "format": st.sampled_from(["text", "jsonl", "csv", "round"]),
            "progress": st.sampled_from(["true", "false", "round"]),
        }
        paths = {
            "/api/v1/records": ("before", "after", "around", "since", "until", "limit", "q", "source"),
            "/api/v1/histogram": ("after", "since", "until", "buckets", "q", "source"),
            "/api/v1/export": ("since", "until", "q", "source", "format", "progress"),
            "/api/v1/query": ("q", "cursor"),
            STREAM: ("q", "source", "from", "last_event_id", "shape"),
        }
        answered: set[int] = set()

        def ask_for(path: str, parameters: dict[str, str]) -> None:
            whole = f"{service.url}{path}"
            with session.get(whole, params=parameters, stream=True, timeout=PATIENCE_SECONDS) as response:
                assert response.status_code < 500, (response.url, response.text)
                answered.add(response.status_code)

        for path, names in paths.items():
            asked = st.fixed_dictionaries({}, optional={name: values[name] for name in names})
            settings(GENERATED, max_examples=150)(given(st.just(path), asked)(ask_for))()
        assert answered == {200, 400, 404}
        assert "a request failed" not in service.stderr
