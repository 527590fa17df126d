"""Views of those who may not know of all sources: no byte, no id, no gap and no news of another one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from logstream.hub.frames import Shape
from logstream.hub.history import Wanted, count_by_time, page_after, page_around, page_before
from logstream.hub.start import From, FromId, FromLast, FromNow, FromStart, FromTime, find_start
from logstream.hub.times import Span
from logstream.hub.view import ViewKey
from logstream.journal.ids import decode_id, encode_id
from logstream.rules import compile_query, parse_query
from logstream.tail.batch import Notice
from tests.hub_kit import CLOCK_SECONDS, Stage, drain, told

if TYPE_CHECKING:
    from pathlib import Path

    from logstream.hub.view import View
    from logstream.records import Position
    from tests.story import StoryFile

EVERYTHING = Span(None, None)


def closed(stage: Stage, *names: str, query: str = "", shape: Shape = Shape.LINE) -> View:
    parsed = parse_query(query)
    key = ViewKey(names, parsed.canonical, shape, is_closed=True)
    return stage._held.enter_context(stage.hub.view(key, compile_query(parsed)))


async def written(stage: Stage) -> tuple[StoryFile, StoryFile]:
    """Lines of `app`, and more of `secret` before, between and behind them."""
    app, secret = stage.file("a.log", "app"), stage.file("s.log", "secret")
    await stage.tell(secret.changes(b"secret 1\n"))
    await stage.tell(app.changes(b"app 1\n"))
    await stage.tell(secret.changes(b"secret 2\n"))
    await stage.tell(app.changes(b"app 2\n"), secret.changes(b"secret 3\n"))
    return app, secret


def is_of(file: StoryFile, position: Position | None) -> bool:
    return position is not None and position.generation == file.key


@pytest.mark.parametrize("shape", list(Shape))
@pytest.mark.parametrize(
    "begin", [FromNow(), FromStart(), FromLast(1), FromLast(9), FromTime(int(CLOCK_SECONDS * 1000) - 5_000)]
)
async def test_a_stream_is_told_no_id_but_of_its_own_sources_and_goes_on_exactly_from_those(
    tmp_path: Path, begin: From, shape: Shape
) -> None:
    async with Stage(tmp_path) as stage:
        app, secret = await written(stage)
        view = closed(stage, "app", shape=shape)
        start = await find_start(stage.hub, view, None, begin)
        subscriber = stage.subscriber(view, start.at, start.position)
        content = await drain(subscriber)
        await stage.tell(secret.changes(b"secret 4\n"))
        content += await drain(subscriber)

        assert secret.key.encode() not in content
        assert b"secret" not in content
        for position in (start.position, start.before, subscriber.position):
            assert position is None or is_of(app, position)
        assert is_of(app, subscriber.position)
        assert subscriber.at == stage.hub.head

        await stage.tell(secret.changes(b"secret 5\n"), app.changes(b"app 3\n"))
        assert subscriber.position is not None
        again = await find_start(stage.hub, view, encode_id(subscriber.position), None)
        rest = told(await drain(stage.subscriber(view, again.at, again.position)))
        texts = [one["text"] for event in rest for one in (event.json if shape is Shape.BATCH else [event.json])]
        assert texts == ["app 3"]


async def test_one_who_comes_back_from_a_moment_without_lines_misses_nothing(tmp_path: Path) -> None:
    async with Stage(tmp_path) as stage:
        app, secret = await written(stage)
        view = closed(stage, "app")
        start = await find_start(stage.hub, view, None, FromNow())
        assert start.position is not None
        await stage.tell(*[secret.changes(b"more\n") for _ in range(3)])
        await stage.tell(app.changes(b"app 3\n"))
        again = await find_start(stage.hub, view, encode_id(start.position), None)
        assert [event.json["text"] for event in told(await drain(stage.subscriber(view, again.at)))] == ["app 3"]


async def test_an_id_of_a_hidden_line_is_answered_as_one_that_nobody_knows(tmp_path: Path) -> None:
    async with Stage(tmp_path) as stage:
        _, secret = await written(stage)
        position = await stage.journal.position_at(stage.hub.head)
        assert is_of(secret, position)
        assert position is not None
        view = closed(stage, "app")
        for begin in (None, FromStart(), FromLast(1)):
            hidden = await find_start(stage.hub, view, encode_id(position), begin)
            unknown = await find_start(stage.hub, view, encode_id(position._replace(generation="2222222y")), begin)
            assert hidden == unknown
            assert not hidden.is_exact
        assert await find_start(stage.hub, view, None, FromId(encode_id(position))) == await find_start(
            stage.hub, view, None, FromId(encode_id(position._replace(generation="2222222y")))
        )


async def test_a_view_is_not_shared_with_those_who_may_know_all(tmp_path: Path) -> None:
    async with Stage(tmp_path) as stage:
        app, secret = await written(stage)
        open_view, closed_view = stage.view(sources=("app",)), closed(stage, "app")
        assert open_view is not closed_view
        of_open, of_closed = stage.subscriber(open_view), stage.subscriber(closed_view)
        await drain(of_open)
        await drain(of_closed)
        assert is_of(secret, of_open.position)
        assert is_of(app, of_closed.position)


async def test_news_and_losses_of_hidden_files_are_not_told(tmp_path: Path) -> None:
    async with Stage(tmp_path) as stage:
        app, secret = await written(stage)
        secret.path.unlink()
        stage.hub.pass_over()
        subscriber = stage.subscriber(closed(stage, "app"))
        await stage.tell(Notice("source", "secret", str(secret.path), {"state": "deleted"}))
        content = await drain(subscriber)
        assert b"secret" not in content
        assert [event.json["text"] for event in told(content)] == ["app 1", "app 2"]
        assert is_of(app, subscriber.position)


async def test_pages_and_counts_lead_on_by_ids_of_their_own_sources(tmp_path: Path) -> None:
    async with Stage(tmp_path) as stage:
        app, _ = await written(stage)
        view = closed(stage, "app")
        wanted = Wanted(view, EVERYTHING, 10)
        at = (await stage.journal.resolve(await own(stage, "app 1"), view.tells)).at
        assert at is not None
        pages = [await page_before(stage.hub, wanted, None), await page_after(stage.hub, wanted, 0)]
        pages += await page_around(stage.hub, wanted, at)
        pages += [await page_after(stage.hub, wanted._replace(limit=1), 0)]
        histogram = await count_by_time(stage.hub, view, (0,), int(CLOCK_SECONDS * 1000) + 10_000)
        for position in (*(page.scanned_to for page in pages), histogram.scanned_to):
            assert position is None or is_of(app, position)
        assert is_of(app, histogram.scanned_to)
        assert sum(histogram.counts[0].values()) == 2
        assert all(b"secret" not in record.json for page in pages for record in page.records)


async def own(stage: Stage, text: str) -> Position:
    """The position of a line, as somebody who sees everything is told it."""
    events = told(await drain(stage.subscriber()))
    position = decode_id(next(event.id for event in events if event.json["text"] == text))
    assert position is not None
    return position
