"""`/api/v1/export` over a real journal and real files."""

from __future__ import annotations

import asyncio
import csv
import io
from typing import TYPE_CHECKING

import orjson
import pytest

from logstream.access import ANYBODY, everything
from logstream.api import export
from logstream.hub.history import Page, page_after
from logstream.records import Gap, GapReason
from tests.hub_kit import Stage
from tests.unit.api.test_app import serving

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from quart import Quart
    from werkzeug.datastructures import Headers

    from logstream.hub.history import Wanted
    from logstream.hub.hub import Hub
    from logstream.journal.base import Resolution
    from logstream.records import Position

LINES = tuple(
    f"2026-11-01T10:00:{n % 60:02}Z {'ERROR' if n % 10 == 0 else 'INFO'} line {n}\n".encode() for n in range(2500)
)


async def file_of(app: Quart, target: str) -> tuple[bytes, Headers]:
    response = await app.test_client().get(f"/api/v1/export{target}")
    assert response.status_code == 200
    return await response.get_data(as_text=False), response.headers


async def test_all_lines_come_in_their_order_page_after_page_as_they_are(tmp_path: Path) -> None:
    async with Stage(tmp_path) as stage, serving(stage) as app:
        await stage.tell(stage.file("a.log").changes(*LINES))
        content, headers = await file_of(app, "")

    assert content == b"".join(LINES)
    assert headers["Content-Type"] == "text/plain; charset=utf-8"
    assert headers["Content-Disposition"] == 'attachment; filename="logstream.log"'


async def test_others_have_their_turn_between_what_takes_long(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """To find a page's records, to write them, and to find where the page ends."""
    turn, turns = 0, list[int]()
    encode_page, end = export.encode_page, asyncio.Event()

    def noting(page: Page, form: export.Format) -> bytes:
        turns.append(turn)
        return encode_page(page, form)

    async def paging(hub: Hub, wanted: Wanted, at: int) -> Page:
        page = await page_after(hub, wanted, at)
        turns.append(turn)
        return page

    async def count_turns() -> None:
        nonlocal turn
        while not end.is_set():
            turn += 1
            await asyncio.sleep(0)

    monkeypatch.setattr(export, "encode_page", noting)
    monkeypatch.setattr(export, "page_after", paging)
    async with Stage(tmp_path) as stage, serving(stage) as app:
        await stage.tell(stage.file("a.log").changes(*LINES))
        resolve = stage.journal.resolve

        async def resolving(position: Position, tells: Callable[[str], bool] | None = None) -> Resolution:
            turns.append(turn)
            return await resolve(position, tells)

        monkeypatch.setattr(stage.journal, "resolve", resolving)
        others = asyncio.create_task(count_turns(), name="others")
        await file_of(app, "")
        end.set()
        await others

    assert len(turns) == 3 + 13 + 3  # three pages, in 13 parts
    assert turns == sorted(set(turns))


async def test_json_lines_hold_the_records_that_a_query_selects(tmp_path: Path) -> None:
    async with Stage(tmp_path) as stage, serving(stage) as app:
        await stage.tell(stage.file("a.log").changes(*LINES))
        content, _ = await file_of(app, "?format=jsonl&q=level:error")
        found = [orjson.loads(line) for line in content.splitlines()]

    assert [record["text"].encode() + b"\n" for record in found] == list(LINES[::10])
    assert all(record["level"] == "error" and record["id"] for record in found)


async def test_a_table_holds_quotes_commas_and_what_looks_like_a_new_row(tmp_path: Path) -> None:
    hostile = b'a,"b" ;\r c\n'
    async with Stage(tmp_path) as stage, serving(stage) as app:
        await stage.tell(stage.file("a.log").changes(hostile, b"next\n"))
        content, headers = await file_of(app, "?format=csv")
    rows = list(csv.DictReader(io.StringIO(content.decode(), newline="")))

    assert [row["text"] for row in rows] == [hostile.decode().rstrip("\n"), "next"]
    assert rows[0]["source"] == "app"
    assert headers["Content-Type"].startswith("text/csv")


@pytest.mark.parametrize(
    ("form", "told"),
    [
        ("text", b"[logstream: 3 lines missing from /a.log: truncated]\n"),
        ("jsonl", b'{"event":"gap","source":"app","file":"/a.log"'),
        ("csv", b",app,/a.log,,gap,[logstream: 3 lines missing from /a.log: truncated],\r\n"),
    ],
)
def test_what_is_lost_stands_in_the_file(form: export.Format, told: bytes) -> None:
    gap = Gap("app", "/a.log", 10, 40, 3, GapReason.TRUNCATED)

    assert export.encode_page(Page((), (gap,), None, more=False), form).startswith(told)


async def test_a_shutdown_cuts_the_file_short_and_does_not_let_it_look_whole(tmp_path: Path) -> None:
    async with Stage(tmp_path) as stage, serving(stage) as app:
        await stage.tell(stage.file("a.log").changes(*LINES))
        context = app.extensions["logstream"]
        await context.streams.close("the end")
        scope = everything(("app",))
        asked = export.read_export({}, scope)
        with pytest.raises(export.ExportCutError):
            async for _ in export._body(context, asked, ANYBODY, scope):
                pass


@pytest.mark.parametrize("target", ["?format=xml", "?limit=3", "?q=(", "?since=yesterday"])
async def test_a_mistake_is_answered_before_a_file_begins(tmp_path: Path, target: str) -> None:
    async with Stage(tmp_path) as stage, serving(stage) as app:
        response = await app.test_client().get(f"/api/v1/export{target}")

    assert response.status_code == 400


async def test_head_reads_nothing(tmp_path: Path) -> None:
    async with Stage(tmp_path) as stage, serving(stage) as app:
        response = await app.test_client().head("/api/v1/export?format=csv")

    assert response.status_code == 200
    assert await response.get_data() == b""
