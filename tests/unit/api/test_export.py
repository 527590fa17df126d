"""`/api/v1/export` over a real journal and real files."""

from __future__ import annotations

import asyncio
import csv
import io
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

import orjson
import pytest

from logstream.access import ANYBODY, everything
from logstream.api import export
from logstream.hub.history import Page, page_after
from logstream.records import Gap, GapReason
from tests.hub_kit import Stage
from tests.unit.api.test_app import serving

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
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


class Piece(NamedTuple):
    """A piece of a file, and what its line says."""

    at: int
    end: int
    content: bytes


def pieces_of(answer: bytes) -> list[Piece]:
    pieces: list[Piece] = []
    while answer:
        line, _, answer = answer.partition(b"\n")
        facts = orjson.loads(line)
        assert list(facts) == ["at", "end", "bytes"]
        content, answer = answer[: facts["bytes"]], answer[facts["bytes"] :]
        assert len(content) == facts["bytes"]
        pieces.append(Piece(facts["at"], facts["end"], content))
    return pieces


async def note_all(body: AsyncIterator[bytes], sent: list[bytes]) -> None:
    async for told in body:
        sent.append(told)  # noqa: PERF401 - what came before an error counts


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


@pytest.mark.parametrize("target", ["?format=xml", "?limit=3", "?q=(", "?since=yesterday", "?progress=yes"])
async def test_a_mistake_is_answered_before_a_file_begins(tmp_path: Path, target: str) -> None:
    async with Stage(tmp_path) as stage, serving(stage) as app:
        response = await app.test_client().get(f"/api/v1/export{target}")

    assert response.status_code == 400


@pytest.mark.parametrize("form", ["text", "jsonl", "csv"])
@pytest.mark.parametrize("query", ["", "&q=level:error", "&q=nowhere"])
async def test_pieces_are_the_plain_file_cut_up_with_what_is_lost_in_it(tmp_path: Path, form: str, query: str) -> None:
    async with Stage(tmp_path) as stage, serving(stage) as app:
        a, b = stage.file("a.log"), stage.file("b.log")
        rest = b.changes(*LINES[1200:], "é\n".encode())
        await stage.tell(a.changes(*LINES[:1200]), a.hole(30, GapReason.TRUNCATED), rest)
        plain, _ = await file_of(app, f"?format={form}{query}")
        named, headers = await file_of(app, f"?format={form}{query}&progress=false")
        answer, pieces_headers = await file_of(app, f"?format={form}{query}&progress=true")
    pieces = pieces_of(answer)

    assert b"truncated" in plain
    assert b"".join(piece.content for piece in pieces) == plain == named
    assert [piece.at for piece in pieces] == sorted(piece.at for piece in pieces)
    assert {piece.end for piece in pieces} == {pieces[-1].at}
    assert [piece for piece in pieces if piece.at == piece.end and not piece.content] == [pieces[-1]]
    assert headers["Content-Disposition"] == f'attachment; filename="logstream.{export.SUFFIXES[form]}"'  # type: ignore[index]
    assert pieces_headers["Content-Type"] == "application/vnd.logstream.export-pieces"
    assert pieces_headers["Cache-Control"] == "no-store, no-transform"
    assert "Content-Disposition" not in pieces_headers


async def test_pieces_say_how_far_a_search_has_come_that_finds_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(export, "page_after", partial(page_after, scan_bytes=1))
    async with Stage(tmp_path) as stage, serving(stage) as app:
        for begin in range(0, 2500, 500):
            await stage.tell(stage.file(f"{begin}.log").changes(*LINES[begin : begin + 500]))
        answer, _ = await file_of(app, "?q=2345&progress=true")
    pieces = pieces_of(answer)
    silent = [piece.at for piece in pieces if not piece.content]

    assert len(silent) > 3
    assert silent == sorted(set(silent))
    assert [piece.content for piece in pieces if piece.content] == [LINES[2345]]


async def test_pieces_of_nothing_are_a_last_line(tmp_path: Path) -> None:
    async with Stage(tmp_path) as stage, serving(stage) as app:
        answer, _ = await file_of(app, "?progress=true")

    assert answer == b'{"at":0,"end":0,"bytes":0}\n'


async def test_pieces_end_where_they_said_also_when_more_is_recorded_meanwhile(tmp_path: Path) -> None:
    async with Stage(tmp_path) as stage, serving(stage) as app:
        sent, scope = list[bytes](), everything(("app",))
        await stage.tell(stage.file("a.log").changes(*LINES[:900]))
        asked = export.read_export({"progress": ["true"]}, scope)
        body = export._body(app.extensions["logstream"], asked, ANYBODY, scope)
        sent.append(await anext(body))
        end = stage.hub.durable_head
        await stage.tell(stage.file("b.log").changes(*LINES[900:1500]))
        await note_all(body, sent)
    pieces = pieces_of(b"".join(sent))

    assert pieces[-1] == Piece(end, end, b"")
    assert {piece.end for piece in pieces} == {end}
    assert all(piece.at < end for piece in pieces[:-1])


async def test_pieces_that_a_shutdown_cuts_short_have_no_last_line(tmp_path: Path) -> None:
    async with Stage(tmp_path) as stage, serving(stage) as app:
        await stage.tell(stage.file("a.log").changes(*LINES))
        context, scope, sent = app.extensions["logstream"], everything(("app",)), list[bytes]()
        asked = export.read_export({"progress": ["true"]}, scope)
        body = export._body(context, asked, ANYBODY, scope)
        for _ in range(2):
            sent.append(await anext(body))
        await context.streams.close("the end")
        with pytest.raises(export.ExportCutError):
            await note_all(body, sent)
    pieces = pieces_of(b"".join(sent))

    assert b"".join(LINES).startswith(b"".join(piece.content for piece in pieces))
    assert all(piece.at < piece.end for piece in pieces)
    assert any(piece.content for piece in pieces)


async def test_head_reads_nothing(tmp_path: Path) -> None:
    async with Stage(tmp_path) as stage, serving(stage) as app:
        response = await app.test_client().head("/api/v1/export?format=csv")

    assert response.status_code == 200
    assert await response.get_data() == b""
