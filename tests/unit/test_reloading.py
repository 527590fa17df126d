"""Reloads: beside the event loop, one at a time, all of a configuration or nothing of it."""

from __future__ import annotations

import asyncio
import socket
import threading
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from logstream.config import ConfigError, load
from logstream.errors import LogstreamError
from logstream.parts import rule_set
from logstream.reloading import Reloading, read_fresh
from logstream.supervision import Overseer

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator, Sequence
    from pathlib import Path

    from logstream.config import Settings
    from logstream.config.sections import RuleSettings
    from logstream.rules import RuleSet


class StateGoneError(LogstreamError):
    """Raised on purpose."""


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    path = tmp_path / "config.toml"
    path.write_text(
        '[[source]]\nname = "app"\npaths = ["*.log"]\n[[rule]]\nname = "quiet"\nmatch = "noise"\naction = "drop"\n'
    )
    return load(path, {})


@asynccontextmanager
async def running(reloading: Reloading) -> AsyncIterator[None]:
    task = asyncio.create_task(reloading.run(), name="reload")
    try:
        yield
    finally:
        task.cancel()
        await asyncio.wait({task})


async def test_a_configuration_is_read_and_compiled_beside_the_loop(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    threads: list[int] = []
    is_read, may_end, is_taken = threading.Event(), threading.Event(), asyncio.Event()

    def read_anew() -> Settings:
        threads.append(threading.get_ident())
        is_read.set()
        may_end.wait()
        return settings

    def compiled(rules: Sequence[RuleSettings]) -> RuleSet:
        threads.append(threading.get_ident())
        return rule_set(rules)

    def take(_fresh: Settings, _rules: RuleSet) -> None:
        threads.append(threading.get_ident())
        is_taken.set()

    monkeypatch.setattr("logstream.reloading.rule_set", compiled)
    reloading = Reloading(read_anew, take, Overseer({}))
    async with running(reloading):
        reloading.ask()
        await asyncio.to_thread(is_read.wait)  # the loop turns while the configuration is being read
        may_end.set()
        await is_taken.wait()

    here = threading.get_ident()
    assert [thread == here for thread in threads] == [False, False, True]


async def test_what_is_asked_during_a_reload_is_one_more_reload(settings: Settings) -> None:
    begun, may_end = threading.Semaphore(0), threading.Semaphore(0)
    taken: asyncio.Queue[Settings] = asyncio.Queue()

    def read_anew() -> Settings:
        begun.release()
        may_end.acquire()
        return settings

    reloading = Reloading(read_anew, lambda fresh, _: taken.put_nowait(fresh), Overseer({}))
    async with running(reloading):
        reloading.ask()
        await asyncio.to_thread(begun.acquire)
        for _ in range(3):
            reloading.ask()
        for _ in range(2):
            may_end.release()
            await taken.get()
        await asyncio.to_thread(begun.acquire)
        for _ in range(20):
            await asyncio.sleep(0)

        assert not begun.acquire(blocking=False)


async def test_rules_that_cannot_be_compiled_are_refused_and_the_next_reload_is_taken(
    settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    broken = replace(settings, rules=(settings.rules[0].model_copy(update={"match": "("}),))
    answers = [broken, None, settings]
    begun = threading.Semaphore(0)
    taken: asyncio.Queue[Settings] = asyncio.Queue()

    def read_anew() -> Settings | None:
        begun.release()
        return answers.pop(0)

    reloading = Reloading(read_anew, lambda fresh, _: taken.put_nowait(fresh), Overseer({}))
    async with running(reloading):
        for _ in range(3):
            reloading.ask()
            await asyncio.to_thread(begun.acquire)
        assert await taken.get() is settings

    assert "reload refused" in caplog.text
    assert taken.empty()


class FromNowhereError(Exception):
    """What nobody thought of."""


@pytest.fixture
def heard(tmp_path: Path) -> Iterator[socket.socket]:
    """A supervisor's end of the talk."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock:
        sock.bind(str(tmp_path / "notify"))
        sock.settimeout(10)
        yield sock


def ready_overseer(heard: socket.socket) -> Overseer:
    overseer = Overseer({"NOTIFY_SOCKET": heard.getsockname()})
    overseer.ready("watching 1 source")
    assert heard.recv(200).startswith(b"READY=1")
    return overseer


@pytest.mark.parametrize("error", [StateGoneError("the disk is gone"), FromNowhereError("from nowhere")], ids=type)
@pytest.mark.parametrize("at", ["read", "compile", "take"])
async def test_a_reload_that_fails_ends_nothing_is_told_and_the_next_one_is_taken(  # noqa: PLR0913, PLR0917 - fixtures
    settings: Settings,
    heard: socket.socket,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    at: str,
    error: Exception,
) -> None:
    overseer = ready_overseer(heard)
    places: list[str] = []
    taken: asyncio.Queue[Settings] = asyncio.Queue()

    def may_fail(place: str) -> None:
        places.append(place)
        if place == at and places.count(place) == 1:
            raise error

    def read_anew() -> Settings | None:
        def read() -> Settings:
            may_fail("read")
            return settings

        return read_fresh(overseer, settings, read)

    def compiled(rules: Sequence[RuleSettings]) -> RuleSet:
        may_fail("compile")
        return rule_set(rules)

    def take(fresh: Settings, _rules: RuleSet) -> None:
        may_fail("take")
        taken.put_nowait(fresh)

    monkeypatch.setattr("logstream.reloading.rule_set", compiled)
    reloading = Reloading(read_anew, take, overseer)
    async with running(reloading):
        reloading.ask()
        told = [await asyncio.to_thread(heard.recv, 200) for _ in range(2)]
        reloading.ask()
        assert await taken.get() == settings
    overseer.close()

    assert told[0].startswith(b"RELOADING=1\n")
    assert told[1].startswith(b"READY=1\nSTATUS=the reload failed")
    assert "the old sources, rules and users stay" in caplog.text
    assert str(error) in caplog.text
    assert ("Traceback" in caplog.text) == isinstance(error, FromNowhereError)


def test_a_configuration_with_mistakes_is_told_to_a_supervisor_as_refused(
    settings: Settings, heard: socket.socket
) -> None:
    overseer = ready_overseer(heard)

    def mistaken() -> Settings:
        raise ConfigError([])

    assert read_fresh(overseer, settings, mistaken) is None
    assert heard.recv(200).startswith(b"RELOADING=1\n")
    assert heard.recv(200).startswith(b"READY=1\nSTATUS=the reload was refused")
    overseer.close()


def test_what_needs_a_restart_stays_as_it_was_and_is_named(
    settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    moved = replace(settings, server=settings.server.model_copy(update={"port": 1}), rules=())

    fresh = read_fresh(Overseer({}), settings, lambda: moved)

    assert fresh is not None
    assert (fresh.server, fresh.rules) == (settings.server, ())
    assert "[server] has changed: restart logstream to apply it" in caplog.text


def test_a_configuration_with_mistakes_is_refused(settings: Settings, caplog: pytest.LogCaptureFixture) -> None:
    def mistaken() -> Settings:
        raise ConfigError([])

    assert read_fresh(Overseer({}), settings, mistaken) is None
    assert "reload refused" in caplog.text


def test_a_configuration_that_is_empty_for_a_moment_is_refused(
    settings: Settings, heard: socket.socket, caplog: pytest.LogCaptureFixture
) -> None:
    overseer = ready_overseer(heard)
    emptied = replace(settings, sources=(), rules=())

    assert read_fresh(overseer, settings, lambda: emptied) is None
    assert "no source is configured any more; restart logstream if that is meant" in caplog.text
    assert heard.recv(200).startswith(b"RELOADING=1\n")
    assert heard.recv(200).startswith(b"READY=1\nSTATUS=the reload was refused")
    overseer.close()
    fresh = read_fresh(Overseer({}), emptied, lambda: emptied)
    assert fresh is not None, "a service that never watched anything"
    assert fresh.sources == ()
