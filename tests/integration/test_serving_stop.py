"""The stop: in time whatever clients do, silent, and with a proper end for everybody who reads."""

from __future__ import annotations

import asyncio
import hashlib
import json
import logging
import os
import shutil
import subprocess
import sys
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING

import pytest
from quart import Quart

from logstream.serving import Address, serve
from tests.installed import ROOT, every_python, run
from tests.live_server import Client, connected, live, nothing
from tests.serving_process import DEADLINE_SECONDS

if TYPE_CHECKING:
    from pathlib import Path

STREAMS = 100


def interpreter_with_dependencies(python: str, cache: pytest.Cache) -> str:
    """`python` if it runs the tests, else one of its kind in an environment with the locked packages, kept for later.

    Without logstream itself: the working tree is what is tested.
    """
    if python == sys.executable:
        return python
    lock = (ROOT / "requirements.lock").read_bytes()
    name = hashlib.sha256(lock + os.path.realpath(python).encode()).hexdigest()[:16]
    folder: Path = cache.mkdir(f"locked-{name}")
    done, own = folder / "complete", folder / "venv" / "bin" / "python"
    if not done.exists():
        shutil.rmtree(folder / "venv", ignore_errors=True)
        run(python, "-m", "venv", folder / "venv")
        run(own, "-m", "pip", "install", "--quiet", "--require-hashes", "-r", "requirements.lock")
        done.touch()
    return str(own)


@pytest.fixture(params=["asyncio", "uvloop"])
def loop_name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def cache(request: pytest.FixtureRequest) -> pytest.Cache:
    assert request.config.cache is not None
    return request.config.cache


class ServerProcess:
    """`tests.serving_process` under one interpreter."""

    def __init__(self, python: str, loop_name: str) -> None:
        self.process = subprocess.Popen(
            [python, "-W", "default", "-m", "tests.serving_process", loop_name],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert self.process.stdout is not None
        self.address = Address("127.0.0.1", int(self.process.stdout.readline() or 0))

    async def stop_seconds(self) -> float:
        """How long it took to stop, by its own clock; it must have ended well and said nothing on the way."""
        self.process.terminate()
        out, err = await asyncio.to_thread(self.process.communicate, timeout=30)
        assert (err, self.process.returncode) == ("", 0)
        return float(out)


async def is_stuck(client: Client) -> bool:
    """Whether the server has stopped sending, because what it sent was not read."""
    sent = -1
    for _ in range(200):
        answer = await client.answer("GET /stats")
        now = json.loads(await client.body(answer))["bytes"]
        if now == sent > 100_000:
            return True
        sent = now
        await asyncio.sleep(0.05)
    return False


@every_python
async def test_a_hundred_streams_end_properly_in_time_though_one_of_them_does_not_read(
    python: str, loop_name: str, cache: pytest.Cache
) -> None:
    server = ServerProcess(interpreter_with_dependencies(python, cache), loop_name)
    async with AsyncExitStack() as stack:
        stuck = await stack.enter_async_context(connected(server.address, receive_bytes=4096))
        await stuck.answer("GET /flood")
        asking = await stack.enter_async_context(connected(server.address))
        hanging = await stack.enter_async_context(connected(server.address))
        hanging.writer.write(b"GET /hang HTTP/1.1\r\nHost: a\r\n\r\n")
        idle = await stack.enter_async_context(connected(server.address))
        readers = [await stack.enter_async_context(connected(server.address)) for _ in range(STREAMS - 1)]
        for reader in readers:
            await reader.answer("GET /quiet")
        assert await is_stuck(asking)

        assert await server.stop_seconds() <= DEADLINE_SECONDS

        for reader in readers:
            bye = await reader.event()
            assert bye is not None
            assert bye.data.startswith("shutdown ")
            assert await reader.event() is None
        assert await idle.is_closed_by_server()


async def test_without_clients_the_stop_takes_no_time(loop_name: str) -> None:
    server = ServerProcess(sys.executable, loop_name)
    assert await server.stop_seconds() < DEADLINE_SECONDS / 4


async def test_before_the_stop_requests_are_answered_and_after_it_nobody_listens() -> None:
    app = Quart("an_app")

    @app.get("/")
    async def root() -> str:
        return "here"

    statuses: list[int] = []

    async def before_stop() -> None:
        async with connected(server.address) as client:
            statuses.append((await client.answer("GET /")).status)

    async with live(app, before_stop) as server:
        await server.ended()
        assert statuses == [200]
        with pytest.raises(ConnectionRefusedError):
            async with connected(server.address):
                pass


async def test_a_request_under_way_is_answered_and_one_that_hangs_is_cut() -> None:
    app = Quart("an_app")
    asked, may_answer = asyncio.Event(), asyncio.Event()
    cut: list[str] = []

    @app.get("/slow")
    async def slow() -> str:
        asked.set()
        await may_answer.wait()
        return "done"

    @app.get("/hang")
    async def hang() -> str:
        try:
            await asyncio.Event().wait()
        finally:
            cut.append("hang")
        return ""

    async def before_stop() -> None:
        may_answer.set()

    async with (
        live(app, before_stop, deadline_seconds=0.4) as server,
        connected(server.address) as client,
        connected(server.address) as hanging,
    ):
        hanging.writer.write(b"GET /hang HTTP/1.1\r\nHost: a\r\n\r\n")
        asking = asyncio.create_task(client.answer("GET /slow"))
        await asked.wait()
        await server.ended()
        assert (await asking).status == 200
        assert cut == ["hang"]


async def test_what_does_not_end_before_the_stop_is_left_behind_and_named(caplog: pytest.LogCaptureFixture) -> None:
    app = Quart("an_app")
    ended: list[str] = []

    @app.after_serving
    async def end() -> None:
        ended.append("app")

    async with live(app, asyncio.Event().wait, deadline_seconds=0.2) as server:  # type: ignore[arg-type]
        await server.ended()
    assert ended == ["app"]
    assert caplog.messages == ["before_stop took longer than 0.1 s and was left behind"]


async def test_an_app_that_does_not_shut_down_is_left_behind_and_named(caplog: pytest.LogCaptureFixture) -> None:
    app = Quart("an_app")

    @app.after_serving
    async def end() -> None:
        await asyncio.Event().wait()

    async with live(app, deadline_seconds=0.2) as server:
        await server.ended()
    assert caplog.messages == ["the app's shutdown took longer than 0.1 s and was left behind"]


async def test_requests_that_ignore_cancellation_do_not_hold_the_stop_and_are_counted(
    caplog: pytest.LogCaptureFixture,
) -> None:
    app = Quart("an_app")
    asked, release = asyncio.Event(), asyncio.Event()

    @app.get("/")
    async def stubborn() -> str:
        asked.set()
        while not release.is_set():
            try:
                await release.wait()
            except asyncio.CancelledError:
                continue
        return ""

    async with live(app, deadline_seconds=0.2) as server, connected(server.address) as client:
        client.writer.write(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        await asked.wait()
        await server.ended()
        assert [record.levelno for record in caplog.records] == [logging.ERROR]
        assert caplog.messages == ["1 connections did not end, their requests ignore cancellation"]
        release.set()


async def test_a_failing_before_stop_fails_serve_after_everything_was_closed() -> None:
    app = Quart("an_app")
    ended: list[str] = []

    @app.after_serving
    async def end() -> None:
        ended.append("app")

    async def before_stop() -> None:
        raise LookupError

    with pytest.raises(LookupError):
        async with live(app, before_stop) as server:
            await server.ended()
    assert ended == ["app"]


async def test_a_cancelled_serve_closes_what_it_opened() -> None:
    app = Quart("an_app")
    ended: list[str] = []

    @app.after_serving
    async def end() -> None:
        ended.append("app")

    listening: asyncio.Future[tuple[Address, ...]] = asyncio.get_running_loop().create_future()
    serving = asyncio.create_task(
        serve(app, host="127.0.0.1", stop=asyncio.Event(), before_stop=nothing, on_listening=listening.set_result)
    )
    (address,) = await listening
    async with connected(address) as client:
        assert (await client.answer("GET /")).status == 404
        serving.cancel()
        await asyncio.wait({serving})
        assert serving.cancelled()
    assert ended == ["app"]
    with pytest.raises(ConnectionRefusedError):
        async with connected(address):
            pass
