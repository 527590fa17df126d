from __future__ import annotations

from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson
import pytest

from logstream.access import Policy
from logstream.api.app import UnderPath, create_app
from logstream.api.aside import Aside
from logstream.api.context import ApiContext, FileStatus, Readiness, RulesAtWork, SourceStatus
from logstream.api.gate import Gate
from logstream.journal.errors import JournalError
from logstream.sse import Streams
from tests.event_stream import EventStreamParser, Parsed, parse
from tests.hub_kit import Stage

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from hypercorn.typing import ASGIReceiveCallable, ASGIReceiveEvent, ASGISendCallable, ASGISendEvent, Scope
    from quart import Quart, Response


STATUS = SourceStatus("app", "ok", {"team": "a"}, [FileStatus("/app.log", "live", None, 3, 3, "plain")])


async def _statuses() -> list[SourceStatus]:
    return [STATUS]


async def _metrics() -> bytes:
    return b"logstream_ready 1\n"


@asynccontextmanager
async def serving(
    stage: Stage,
    readiness: Readiness | None = None,
    most: int = 10,
    gate: Gate | None = None,
    names: Sequence[str] = ("app", "web"),
) -> AsyncIterator[Quart]:

    async def _rules() -> RulesAtWork:
        return RulesAtWork(stage.hub.rules.rules, stage.hub.rule_evidence(), stage.hub.view_evidence())

    streams = Streams(heartbeat_seconds=3_600, retry_ms=3_000, max_connections=most, max_connections_per_client=most)
    context = ApiContext(
        hub=stage.hub,
        streams=streams,
        gate=gate or Gate(Policy(), stage.directory / "state"),
        aside=Aside(),
        heartbeat_seconds=15,
        sources=_statuses,
        source_names=lambda: tuple(names),
        readiness=lambda: readiness or Readiness(is_ready=True, reasons=()),
        metrics=_metrics,
        rules=_rules,
    )
    yield create_app(context)
    await streams.close("the end")


async def events(app: Quart, target: str, count: int, headers: dict[str, str] | None = None) -> list[Parsed]:
    """The first events of a stream, whose client leaves then."""
    found = b""
    async with app.test_client().request(target, headers=headers) as connection:
        await connection.send_complete()
        while len(parse(found)) < count:
            found += await connection.receive()
        await connection.disconnect()
    return parse(found)[:count]


async def problem(response: Response) -> dict[str, Any]:
    assert response.content_type == "application/problem+json"
    found: dict[str, Any] = orjson.loads(await response.get_data())
    assert found["status"] == response.status_code
    return found


async def test_a_stream_says_hello_tells_the_past_and_then_that_the_client_has_caught_up(tmp_path: Path) -> None:
    async with Stage(tmp_path) as stage, serving(stage) as app:
        await stage.tell(stage.file("a.log").changes(b"a1\n", b"a2\n"))
        hello, one, two, ping = await events(app, "/api/v1/stream?from=start", 4)

        assert [hello.type, one.type, two.type, ping.type] == ["hello", "line", "line", "ping"]
        told = orjson.loads(hello.data)
        assert (told["sources"], told["heartbeat_seconds"]) == (["app", "web"], 15)
        assert 1_500 <= told["retry_ms"] <= 4_500
        assert told["resume"] == {"from": None, "exact": True, "reason": None}
        assert [orjson.loads(event.data)["text"] for event in (one, two)] == ["a1", "a2"]
        assert ping.last_event_id == two.last_event_id
        assert orjson.loads(ping.data)["lag_bytes"] == 0
        assert stage.hub.view_count == 0


async def test_hello_tells_the_same_time_to_come_back_as_the_streams_retry_field(tmp_path: Path) -> None:
    async with Stage(tmp_path) as stage, serving(stage) as app:
        async with app.test_client().request("/api/v1/stream") as connection:
            await connection.send_complete()
            parser = EventStreamParser()
            found: list[Parsed] = []
            while not found:
                found = parser.feed(await connection.receive())
            await connection.disconnect()

        assert orjson.loads(found[0].data)["retry_ms"] == parser.retry_ms


async def test_a_client_that_comes_back_goes_on_after_its_id(tmp_path: Path) -> None:
    async with Stage(tmp_path) as stage, serving(stage) as app:
        await stage.tell(stage.file("a.log").changes(b"a1\n", b"a2\n"))
        _, one, two = await events(app, "/api/v1/stream?from=start", 3)
        for target, headers in (
            ("/api/v1/stream?from=start", {"Last-Event-ID": one.last_event_id}),
            (f"/api/v1/stream?last_event_id={one.last_event_id}", None),
            (f"/api/v1/stream?from={one.last_event_id}", None),
        ):
            hello, rest = await events(app, target, 2, headers)
            assert orjson.loads(hello.data)["resume"]["from"] == one.last_event_id
            assert rest == two


@pytest.mark.parametrize("count", [1, 199, 200, 201, 450])
@pytest.mark.parametrize("shape", ["line", "batch"])
async def test_the_last_records_carry_one_id_from_which_live_goes_on(tmp_path: Path, count: int, shape: str) -> None:
    async with Stage(tmp_path) as stage, serving(stage) as app:
        await stage.tell(stage.file("a.log").changes(*[b"%d\n" % number for number in range(450)]))
        head = await stage.journal.position_at(stage.hub.head)
        assert head is not None
        wanted = count if shape == "line" else -(-count // 200)
        _, *past, ping = await events(app, f"/api/v1/stream?from=-{count}&shape={shape}", wanted + 2)
        found = [orjson.loads(event.data) for event in past]
        flat = [record for batch in found for record in batch] if shape == "batch" else found

        assert [int(record["text"]) for record in flat] == list(range(450 - count, 450))
        assert {event.last_event_id for event in past[:-1]} <= {""}
        assert past[-1].last_event_id == ping.last_event_id == flat[-1]["id"]


async def test_a_gap_counts_against_the_completeness_of_its_source(tmp_path: Path) -> None:
    async with Stage(tmp_path) as stage, serving(stage) as app:
        file = stage.file("a.log")
        await stage.tell(file.changes(b"a1\n"))
        await stage.tell(stage.file("w.log", "web").changes(b"w1\n"))
        file.path.unlink()
    async with Stage(tmp_path) as stage, serving(stage) as app:
        _, gap, line, ping = await events(app, "/api/v1/stream?from=start", 4)

        assert (gap.type, line.type, ping.type) == ("gap", "line", "ping")
        told = orjson.loads(ping.data)["sources"]
        assert {name: state["gaps"] for name, state in told.items()} == {"app": 1, "web": 0}
        assert told["app"]["complete_since"] >= told["web"]["complete_since"]


async def test_an_unknown_id_is_answered_in_the_stream(tmp_path: Path) -> None:
    async with Stage(tmp_path) as stage, serving(stage) as app:
        await stage.tell(stage.file("a.log").changes(b"a1\n"))
        hello, gap, ping = await events(app, "/api/v1/stream", 3, {"Last-Event-ID": "garbage \xff"})
        resume = orjson.loads(hello.data)["resume"]

        assert resume["exact"] is False
        assert resume["reason"]
        assert (gap.type, orjson.loads(gap.data)["reason"]) == ("gap", "unknown_id")
        assert gap.last_event_id == ping.last_event_id == resume["from"] != ""


async def test_head_of_a_stream_has_its_headers_and_opens_nothing(tmp_path: Path) -> None:
    async with Stage(tmp_path) as stage, serving(stage, most=1) as app:
        for _ in range(3):
            response = await app.test_client().head("/api/v1/stream")
            assert response.status_code == 200
            assert response.headers["Content-Type"] == "text/event-stream; charset=utf-8"
            assert response.headers["X-Content-Type-Options"] == "nosniff"
        assert stage.hub.view_count == 0


@pytest.mark.parametrize(
    ("target", "status", "facts"),
    [
        ("/api/v1/stream?q=(a", 400, {"parameter": "q", "column": 3}),
        ("/api/v1/stream?from=soon", 400, {"parameter": "from"}),
        ("/api/v1/stream?source=nginx", 404, {"known": ["app", "web"]}),
        ("/nowhere", 404, {"detail": "there is nothing at this path of logstream; /docs says what there is"}),
    ],
)
async def test_what_cannot_be_answered_is_a_problem(
    tmp_path: Path, target: str, status: int, facts: dict[str, object]
) -> None:
    async with Stage(tmp_path) as stage, serving(stage) as app:
        response = await app.test_client().get(target)
        body = await problem(response)

        assert response.status_code == status
        assert facts.items() <= body.items()


async def test_another_method_is_refused_with_those_that_there_are(tmp_path: Path) -> None:
    async with Stage(tmp_path) as stage, serving(stage) as app:
        response = await app.test_client().post("/healthz")

        assert (await problem(response))["status"] == 405
        assert "GET" in response.headers["Allow"]


@pytest.mark.parametrize(
    "error", [RuntimeError("secret"), KeyError("secret"), JournalError(Path("/secret"), OSError("secret"))]
)
async def test_a_failure_inside_is_told_to_the_log_and_not_to_the_client(
    tmp_path: Path, error: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    async with Stage(tmp_path) as stage, serving(stage) as app:

        @app.get("/broken")
        async def broken() -> str:
            raise error

        response = await app.test_client().get("/broken")
        body = await problem(response)

        assert response.status_code == 500
        assert "secret" not in str(body)
        assert any(record.exc_info and record.exc_info[1] is error for record in caplog.records)


async def test_sources_health_and_readiness_are_told(tmp_path: Path) -> None:
    async with Stage(tmp_path) as stage, serving(stage) as app:
        client = app.test_client()
        sources = await (await client.get("/api/v1/sources")).get_json()
        health, ready = await client.get("/healthz"), await client.get("/readyz")

        (source,) = sources["sources"]
        assert (source["name"], source["state"], source["labels"]) == ("app", "ok", {"team": "a"})
        assert source["files"][0]["file"] == "/app.log"
        assert (health.status_code, ready.status_code) == (200, 200)
        assert health.headers["Cache-Control"] == "no-store"
        assert await ready.get_json() == {"status": "ready", "reasons": []}


async def test_what_is_not_ready_says_why(tmp_path: Path) -> None:
    async with (
        Stage(tmp_path) as stage,
        serving(stage, Readiness(is_ready=False, reasons=("the disk is full",))) as app,
    ):
        response = await app.test_client().get("/readyz")

        assert response.status_code == 503
        assert await response.get_json() == {"status": "degraded", "reasons": ["the disk is full"]}


async def asked_for(root_path: str, path: str) -> tuple[list[str], list[Any]]:
    """The paths that reach the app behind `UnderPath`, and what is answered without it."""
    reached: list[str] = []
    answered: list[Any] = []

    async def inner(scope: Scope, _: ASGIReceiveCallable, __: ASGISendCallable) -> None:
        reached.append(scope["path"] if scope["type"] == "http" else scope["type"])

    async def send(message: ASGISendEvent) -> None:
        answered.append(message)

    async def receive() -> ASGIReceiveEvent:
        raise AssertionError("nothing is read")

    scope: Any = {"type": "lifespan"} if path == "lifespan" else {"type": "http", "path": path}
    await UnderPath(inner, root_path)(scope, receive, send)
    return reached, answered


@pytest.mark.parametrize(
    ("root_path", "path", "reached"),
    [
        ("", "/healthz", "/healthz"),
        ("/logs", "/logs/", "/"),
        ("/logs", "/logs/healthz", "/healthz"),
        ("/logs", "/logs//x", "//x"),
        ("/logs", "/healthz", "/healthz"),
        ("/logs", "/logsmith", "/logsmith"),
        ("/logs", "/logs/logs/x", "/logs/x"),
        ("/a/b", "/a/b/c", "/c"),
        ("/logs", "lifespan", "lifespan"),
    ],
)
async def test_the_root_path_is_stripped_where_it_stands_as_whole_parts(
    root_path: str, path: str, reached: str
) -> None:
    assert await asked_for(root_path, path) == ([reached], [])


async def test_the_root_path_without_its_slash_leads_to_the_one_with_it() -> None:
    reached, (start, body) = await asked_for("/logs", "/logs")

    assert reached == []
    assert start["status"] == 308
    assert (b"location", b"/logs/") in start["headers"]
    assert body["more_body"] is False
