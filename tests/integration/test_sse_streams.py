"""The sse package behind a real server on a real port, in both event loops."""

from __future__ import annotations

import asyncio
import json
import os
import runpy
import signal
import sys
import time
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, Any

import pytest
import uvloop
from quart import Quart, request

from logstream.serving import Address
from logstream.sse import Event, Streams, encode_event, requested_last_event_id, stream_blueprint
from tests.installed import ROOT
from tests.live_server import Flood, connected, live
from tests.ports import free_port

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Coroutine, Iterator

    from quart import Response

    Run = Callable[[Coroutine[Any, Any, None]], None]

STREAM_HEADERS = {
    "content-type": "text/event-stream; charset=utf-8",
    "cache-control": "no-store, no-transform",
    "x-accel-buffering": "no",
}


@pytest.fixture(params=[asyncio.new_event_loop, uvloop.new_event_loop], ids=["asyncio", "uvloop"])
def run(request: pytest.FixtureRequest) -> Iterator[Run]:
    with asyncio.Runner(loop_factory=request.param) as runner:
        yield runner.run


class Ticker:
    """A source that gives what a test pushes, from after the id asked for; `left` is set when its stream is gone."""

    def __init__(self) -> None:
        self.last_id = 0
        self.asked_for: list[str | None] = []
        self.left = asyncio.Event()
        self._pushed = asyncio.Condition()

    async def push(self) -> None:
        async with self._pushed:
            self.last_id += 1
            self._pushed.notify_all()

    async def __call__(self, last_event_id: str | None) -> AsyncIterator[Event]:
        self.asked_for.append(last_event_id)
        sent = int(last_event_id) if last_event_id and last_event_id.isdecimal() else 0
        try:
            while True:
                async with self._pushed:
                    while self.last_id <= sent:
                        await self._pushed.wait()
                sent += 1
                yield Event("tick", str(sent), str(sent))
        finally:
            self.left.set()


def an_app(
    max_connections: int = 100, max_connections_per_client: int = 100, heartbeat_seconds: float = 15
) -> tuple[Quart, Streams]:
    streams = Streams(
        heartbeat_seconds=heartbeat_seconds,
        retry_ms=2000,
        max_connections=max_connections,
        max_connections_per_client=max_connections_per_client,
    )
    app = Quart("an_app")
    app.register_blueprint(stream_blueprint(streams), url_prefix="/events")

    @app.get("/flood")
    async def flood() -> Response:
        return await streams.respond(Flood(encode_event("flood", b"x" * 60_000)).open, client="flood")

    @app.get("/asked")
    async def asked() -> dict[str, str | None]:
        return {"id": requested_last_event_id(), "header": request.headers.get("Last-Event-ID")}

    return app, streams


def test_a_stream_has_the_headers_that_keep_proxies_and_caches_off(run: Run) -> None:
    async def story() -> None:
        app, streams = an_app()
        ticker = Ticker()
        streams.register("tick", ticker)
        async with live(app, lambda: streams.close("done")) as server, connected(server.address) as client:
            answer = await client.answer("GET /events/tick")
            assert answer.status == 200
            assert answer.headers.pop("date")
            assert answer.headers == STREAM_HEADERS | {"transfer-encoding": "chunked"}
            await ticker.push()
            assert await client.events(1) == [("tick", "1", "1")]
            assert 1000 <= (client.parser.retry_ms or 0) <= 3000

    run(story())


def test_head_is_answered_at_once_with_the_same_headers_and_frees_its_connection(run: Run) -> None:
    async def story() -> None:
        app, streams = an_app(max_connections=1)
        ticker = Ticker()
        streams.register("tick", ticker)
        async with live(app, lambda: streams.close("done")) as server, connected(server.address) as client:
            for _ in range(3):
                answer = await client.answer("HEAD /events/tick")
                assert answer.status == 200
                assert answer.headers.items() >= STREAM_HEADERS.items()
                assert "content-length" not in answer.headers
            assert (await client.answer("GET /events/tick")).status == 200
            await ticker.push()
            assert len(await client.events(1)) == 1

    run(story())


@pytest.mark.parametrize("limits", [(1, 9), (9, 1)], ids=["server", "client"])
def test_a_stream_too_many_is_refused_with_a_time_to_come_back_and_one_that_leaves_makes_room(
    run: Run, limits: tuple[int, int]
) -> None:
    async def story() -> None:
        app, streams = an_app(*limits)
        ticker = Ticker()
        streams.register("tick", ticker)
        async with live(app, lambda: streams.close("done")) as server, connected(server.address) as second:
            async with connected(server.address) as first:
                await first.answer("GET /events/tick")
                await ticker.push()
                await first.events(1)
                refused = await second.answer("GET /events/tick")
                assert refused.status == (503 if limits[0] == 1 else 429)
                assert refused.headers["content-type"] == "application/problem+json"
                assert 1 <= int(refused.headers["retry-after"]) <= 3
                assert "try again in" in json.loads(await second.body(refused))["title"]
            await ticker.left.wait()
            assert (await second.answer("GET /events/tick")).status == 200

    run(story())


def test_a_burst_of_clients_that_leave_at_once_leaves_no_seat_taken(run: Run) -> None:
    async def story() -> None:
        app, streams = an_app(max_connections=20)
        streams.register("tick", Ticker())
        async with live(app, lambda: streams.close("done")) as server:

            async def come_and_go() -> None:
                async with connected(server.address) as client:
                    client.writer.write(b"GET /events/tick HTTP/1.1\r\nHost: a\r\n\r\n")
                    await client.writer.drain()

            for _ in range(10):
                await asyncio.gather(*(come_and_go() for _ in range(15)))
            async with connected(server.address) as client:
                async with asyncio.timeout(10):
                    while "seats=0 " not in repr(streams):
                        await client.body(await client.answer("GET /asked"))  # a turn for the server
                assert streams.stats.open == 0

    run(story())


def test_an_unknown_source_is_not_found_and_the_known_ones_are_told(run: Run) -> None:
    async def story() -> None:
        app, streams = an_app()
        streams.register("tick", Ticker())
        async with live(app) as server, connected(server.address) as client:
            answer = await client.answer("GET /events/tock")
            assert answer.status == 404
            assert json.loads(await client.body(answer))["title"] == "no source 'tock'; known: tick"

    run(story())


def test_a_source_registered_while_the_server_runs_streams_until_it_is_removed(run: Run) -> None:
    async def story() -> None:
        app, streams = an_app()
        ticker = Ticker()
        async with live(app, lambda: streams.close("done")) as server, connected(server.address) as client:
            gone = await client.answer("GET /events/tick")
            assert gone.status == 404
            await client.body(gone)
            streams.register("tick", ticker)
            assert (await client.answer("GET /events/tick")).status == 200
            await ticker.push()
            assert await client.events(1) == [("tick", "1", "1")]
            streams.unregister("tick", "moved")
            last = await client.event()
            assert last is not None
            assert (last.type, json.loads(last.data)["reason"]) == ("bye", "moved")
            assert await client.event() is None
            assert (await client.answer("GET /events/tick")).status == 404

    run(story())


def test_a_client_that_was_cut_goes_on_after_its_last_id_with_nothing_lost_or_twice(run: Run) -> None:
    async def story() -> None:
        app, streams = an_app()
        ticker = Ticker()
        streams.register("tick", ticker)
        async with live(app, lambda: streams.close("done")) as server:
            seen: list[str] = []
            last_id = ""
            for _ in range(5):
                async with connected(server.address) as client:
                    await client.answer(f"GET /events/tick\nLast-Event-ID: {last_id}")
                    for _ in range(3):
                        await ticker.push()
                    for event in await client.events(2):
                        seen.append(event.data)
                        last_id = event.last_event_id
                    client.reset()
            assert seen == [str(number) for number in range(1, 11)]

    run(story())


@pytest.mark.parametrize(
    ("request_head", "asked_for"),
    [
        ("GET /asked", None),
        ("GET /asked?last_event_id=", None),
        ("GET /asked?last_event_id=7", "7"),
        ("GET /asked?last_event_id=7\nLast-Event-ID: 9", "9"),
        ("GET /asked?last_event_id=7\nLast-Event-ID:", "7"),
        ("GET /asked\nLast-Event-ID: \u00e2\u0080\u00a6", "\u2026"),
        ("GET /asked\nLast-Event-ID: \u00ff\u00fe", "\ufffd\ufffd"),
    ],
)
def test_the_header_wins_over_the_parameter_and_is_utf_8(request_head: str, asked_for: str | None) -> None:
    async def story() -> None:
        app, _streams = an_app()
        async with live(app) as server, connected(server.address) as client:
            answer = await client.answer(request_head)
            assert answer.status == 200
            assert json.loads(await client.body(answer))["id"] == asked_for

    asyncio.run(story())


@pytest.mark.parametrize("headers", ["", "\nConnection: Upgrade\nUpgrade: h2c\nHTTP2-Settings: AAMAAABk"])
def test_a_client_that_leaves_an_idle_stream_is_noticed_before_any_heartbeat(run: Run, headers: str) -> None:
    async def story() -> None:
        app, streams = an_app(heartbeat_seconds=3600)
        ticker = Ticker()
        streams.register("tick", ticker)
        async with live(app, lambda: streams.close("done")) as server:
            async with connected(server.address) as client:
                await client.answer(f"GET /events/tick{headers}")
                await ticker.push()
                await client.events(1)
            async with asyncio.timeout(10):
                await ticker.left.wait()

    run(story())


def test_clients_that_do_not_read_or_that_died_delay_nobody(run: Run) -> None:
    async def story() -> None:
        app, streams = an_app()
        ticker = Ticker()
        streams.register("tick", ticker)
        async with (
            live(app, lambda: streams.close("done")) as server,
            connected(server.address, receive_bytes=4096) as stuck,
            connected(server.address) as dead,
            connected(server.address) as client,
        ):
            await stuck.answer("GET /flood")
            await dead.answer("GET /flood")
            assert await dead.event() is not None
            dead.reset()
            await client.answer("GET /events/tick")
            for number in range(1, 201):
                await ticker.push()
                assert await client.events(1) == [("tick", str(number), str(number))]

    run(story())


def test_close_ends_each_body_properly_after_its_farewell(run: Run) -> None:
    async def story() -> None:
        app, streams = an_app()
        streams.register("tick", Ticker())
        async with live(app) as server, connected(server.address) as client:
            await client.answer("GET /events/tick")
            await client.chunk()
            await streams.close("shutdown")
            last = await client.event()
            assert last is not None
            assert (last.type, json.loads(last.data)["reason"]) == ("bye", "shutdown")
            assert await client.event() is None
            answer = await client.answer("GET /events/tick")
            assert answer.status == 503
            assert 1 <= int(answer.headers["retry-after"]) <= 3

    run(story())


def test_the_example_app_streams_the_time_and_resumes_where_a_client_was_cut() -> None:
    example = runpy.run_path(str(ROOT / "docs" / "examples" / "clock.py"))

    async def story() -> None:
        now = int(time.time())
        async with (
            live(example["app"], lambda: example["streams"].close("done")) as server,
            connected(server.address) as client,
        ):
            answer = await client.answer(f"GET /events/clock\nLast-Event-ID: {now - 5}")
            assert answer.headers.items() >= STREAM_HEADERS.items()
            events = await client.events(6)
            assert [event.type for event in events] == ["tick"] * 6
            assert [int(event.last_event_id) for event in events] == list(range(now - 4, now + 2))
            assert [event.data for event in events] == [
                time.strftime("%H:%M:%S", time.gmtime(int(event.last_event_id))) for event in events
            ]

    asyncio.run(story())


async def test_the_example_as_a_program_ends_its_streams_properly_and_says_nothing_at_ctrl_c() -> None:
    port = free_port()
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "docs/examples/clock.py", str(port)),
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1"},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    async with asyncio.timeout(30), AsyncExitStack() as stack:
        client = None
        while client is None:
            assert process.returncode is None
            try:
                client = await stack.enter_async_context(connected(Address("127.0.0.1", port)))
            except ConnectionRefusedError:
                await asyncio.sleep(0.05)
        await client.answer(f"GET /events/clock\nLast-Event-ID: {int(time.time()) - 2}")
        assert [event.type for event in await client.events(2)] == ["tick", "tick"]
        process.send_signal(signal.SIGINT)
        last = None
        while (event := await client.event()) is not None:
            last = event
        assert last is not None
        assert last.type == "bye"
        said = (await process.communicate())[0].decode()
    assert (said, process.returncode) == ("", 0)
