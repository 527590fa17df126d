"""`GET /api/v1/export`: all that a query selects of the past as one file, made while it is sent.

Owns the file's form and its end. A page at a time is in memory, and the next one is read when the client has taken the
one before. What is lost stands before the page of records in which it is missing; a shutdown cuts the response short,
which a client sees. Who asks for `progress` gets the same bytes in pieces that say how far the search has come.
"""

from __future__ import annotations

import asyncio
import csv
import io
from functools import partial
from typing import TYPE_CHECKING, Literal, NamedTuple

import orjson
from quart import Blueprint, Response, current_app, request

from logstream.api.admission import scope_now, viewer_now
from logstream.api.asked import TOLD, single
from logstream.api.context import APP_KEY, ApiContext
from logstream.api.frames import gap_facts
from logstream.api.problems import BadParameterError
from logstream.api.ranges import MOST_RECORDS, AskedRecords, read_selected
from logstream.errors import LogstreamError
from logstream.hub.history import Page, Wanted, page_after

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from logstream.access import SourceScope, Viewer
    from logstream.records import Gap

Format = Literal["text", "jsonl", "csv"]
CONTENT_TYPES: dict[Format, str] = {
    "text": "text/plain; charset=utf-8",
    "jsonl": "application/x-ndjson",
    "csv": "text/csv; charset=utf-8; header=present",
}
PIECES_TYPE = "application/vnd.logstream.export-pieces"
"""No file to be saved: it has to be put together first."""
SUFFIXES: dict[Format, str] = {"text": "log", "jsonl": "jsonl", "csv": "csv"}
FORMAT, PROGRESS = "format", "progress"
COLUMNS = ("time", "source", "file", "level", "event", "text", "id")
GAP_EVENT = "gap"
_WRITTEN_AT_ONCE = 200

exports = Blueprint("exports", __name__)


class ExportCutError(LogstreamError):
    """The service, or the viewer's session, ends before the file does: the response must not look whole."""

    def __str__(self) -> str:
        """One line for people."""
        return "the service is going down, or the viewer may not read on: an export was cut short"


class AskedExport(NamedTuple):
    """What is to be in the file, how it looks, and whether it comes in pieces."""

    records: AskedRecords
    format: Format
    progress: bool

    def told(self, content: bytes, at: int, end: int) -> bytes:
        """`content` as it is sent when all before the place `at` of `end` has been looked at."""
        return encode_piece(content, at, end) if self.progress else content


@exports.get("/api/v1/export")
async def get_export() -> Response:
    """All matching records of the past as a file: text, JSON lines or CSV.

    In the order of the stream, from the oldest that can still be read to the newest at the time of the question. With
    `progress=true` the same bytes come in pieces. Before each stands a line of JSON: `at` and `end` say how far the
    search has come and how far it goes, `bytes` how many bytes of the file follow. The last line says `at` equal to
    `end` and `bytes` 0: without it the answer was cut.
    """
    context: ApiContext = current_app.extensions[APP_KEY]
    viewer, scope = viewer_now(), scope_now(context)
    asked = await context.aside.run(partial(read_export, request.args.to_dict(flat=False), scope))
    body = None if request.method == "HEAD" else _body(context, asked, viewer, scope)
    response = Response(body, content_type=PIECES_TYPE if asked.progress else CONTENT_TYPES[asked.format])
    if not asked.progress:
        response.headers["Content-Disposition"] = f'attachment; filename="logstream.{SUFFIXES[asked.format]}"'
    response.headers["Cache-Control"] = "no-store, no-transform"
    # A large file takes as long as its reader does.
    response.timeout = None
    return response


def read_export(arguments: dict[str, list[str]], scope: SourceScope) -> AskedExport:
    """What `arguments` ask for; may take a while, as the query is compiled. Raises UsageError."""
    told = single(arguments, FORMAT) or "text"
    if told not in CONTENT_TYPES:
        raise BadParameterError(FORMAT, told[:TOLD], "text, jsonl or csv")
    progress = single(arguments, PROGRESS) or "false"
    if progress not in {"true", "false"}:
        raise BadParameterError(PROGRESS, progress[:TOLD], "true or false")
    rest = {name: values for name, values in arguments.items() if name not in {FORMAT, PROGRESS}}
    return AskedExport(read_selected(rest, scope, MOST_RECORDS), told, progress == "true")


async def _body(context: ApiContext, asked: AskedExport, viewer: Viewer, scope: SourceScope) -> AsyncIterator[bytes]:
    hub, records = context.hub, asked.records
    end_at, at = hub.durable_head, 0
    if asked.format == "csv":
        yield asked.told(_csv([COLUMNS]), at, end_at)
    with (
        hub.view(records.key, records.query) as view,
        context.gate.watching(viewer, scope, context.source_names, _nothing) as watch,
    ):
        wanted = Wanted(view, records.span, records.limit)
        more = True
        while more and at < end_at:
            if context.streams.is_closing or watch.is_over():
                raise ExportCutError
            # Of a page in which nothing is found there is nothing else to send.
            if told := asked.told(b"", at, end_at):
                yield told
            page = await page_after(hub, wanted, at)
            # To find a page, to write it and to find where it ends take some ms each: not all in one turn.
            await asyncio.sleep(0)
            for part in _parts(page):
                if content := encode_page(part, asked.format):
                    yield asked.told(content, at, end_at)
                await asyncio.sleep(0)
            resolved = None if page.scanned_to is None else (await hub.journal.resolve(page.scanned_to, view.tells)).at
            # Without a step ahead there is nothing that could be read.
            more = page.more and resolved is not None and resolved > at
            at = at if resolved is None else resolved
    if told := asked.told(b"", end_at, end_at):
        yield told


def encode_piece(content: bytes, at: int, end: int) -> bytes:
    """A piece of the file after the line that says how far the search has come, and how long the piece is."""
    return orjson.dumps({"at": at, "end": end, "bytes": len(content)}) + b"\n" + content


def _parts(page: Page) -> Iterator[Page]:
    """The page in pieces that are written in a few ms; what is lost in it stands in the first."""
    yield page._replace(records=page.records[:_WRITTEN_AT_ONCE])
    for begin in range(_WRITTEN_AT_ONCE, len(page.records), _WRITTEN_AT_ONCE):
        yield page._replace(records=page.records[begin : begin + _WRITTEN_AT_ONCE], gaps=())


def _nothing() -> None:
    """Nobody waits here: the next page looks by itself."""


def encode_page(page: Page, form: Format) -> bytes:
    """A stretch of the file; what is lost in it stands before its lines."""
    gaps = [gap_facts(gap) for gap in page.gaps]
    if form == "jsonl":
        lost = [orjson.dumps({"event": GAP_EVENT, **facts}) for facts in gaps]
        return b"".join(line + b"\n" for line in [*lost, *(record.json for record in page.records)])
    found = [orjson.loads(record.json) for record in page.records]
    if form == "text":
        return "".join(f"{line}\n" for line in [*map(gap_words, page.gaps), *(each["text"] for each in found)]).encode()
    lost_rows = [(None, gap.source, gap.file, None, GAP_EVENT, gap_words(gap), None) for gap in page.gaps]
    return _csv([*lost_rows, *(tuple(each[name] for name in COLUMNS) for each in found)])


def gap_words(gap: Gap) -> str:
    """What stands in a text in place of lost lines."""
    facts = gap_facts(gap)
    amount = next((f"{facts[unit]} {unit}" for unit in ("lines", "bytes") if facts[unit] is not None), "lines")
    return f"[logstream: {amount} missing from {gap.file or gap.source or 'a file'}: {facts['reason']}]"


def _csv(rows: list[tuple[object, ...]]) -> bytes:
    """Rows as RFC 4180 has them."""
    text = io.StringIO(newline="")
    csv.writer(text).writerows(rows)
    return text.getvalue().encode()
