"""`GET /api/v1/records` and `/api/v1/histogram`: the past, a bounded stretch of it a request."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

import orjson
from quart import Blueprint, Response, current_app, request

from logstream.api.admission import scope_now
from logstream.api.answers import json_answer
from logstream.api.context import APP_KEY, ApiContext
from logstream.api.frames import gap_facts, id_of, utc_text
from logstream.api.problems import UnknownIdError
from logstream.api.ranges import AskedPlace, read_counts, read_records
from logstream.hub.history import Page, Wanted, count_by_time, page_after, page_around, page_before

if TYPE_CHECKING:
    from collections.abc import Callable

    from logstream.access import SourceScope
    from logstream.hub.view import View

T = TypeVar("T")
records = Blueprint("records", __name__)


@records.get("/api/v1/records")
async def get_records() -> Response:
    """Records of the past, in the order of the stream.

    Without `before`, `after` and `around`: the last ones. A request reads a bounded stretch; while `more` is true, go
    on with `before` (or `after`) `scanned_to`. Renamed files are read, and compressed ones (gz, bz2, xz).
    """
    context: ApiContext = current_app.extensions[APP_KEY]
    asked = await _read(context, read_records)
    with context.hub.view(asked.key, asked.query) as view:
        at = None if asked.place is None else await _resolve(context, view, asked.place)
        wanted = Wanted(view, asked.span, asked.limit)
        if asked.place is None or at is None or asked.place.anchor == "before":
            return _told(await page_before(context.hub, wanted, at))
        if asked.place.anchor == "after":
            return _told(await page_after(context.hub, wanted, at))
        before, after = await page_around(context.hub, wanted, at)
        whole = Page(
            before.records + after.records, before.gaps + after.gaps, after.scanned_to, before.more or after.more
        )
        return _told(whole, scanned_from=id_of(before.scanned_to))


@records.get("/api/v1/histogram")
async def get_histogram() -> Response:
    """How many records of each level there are in each stretch of time.

    A request reads a bounded stretch; while `complete` is false, ask again with the same times and `after`
    `scanned_to`, and add the counts.
    """
    context: ApiContext = current_app.extensions[APP_KEY]
    asked = await _read(context, read_counts)
    with context.hub.view(asked.key, asked.query) as view:
        at = 0 if asked.place is None else await _resolve(context, view, asked.place)
        found = await count_by_time(context.hub, view, asked.starts_ms, asked.until_ms, at)
    buckets = [
        {
            "start": utc_text(start_ms),
            "counts": {"none" if level is None else level.word: n for level, n in counts.items()},
        }
        for start_ms, counts in zip(found.starts_ms, found.counts, strict=True)
    ]
    return json_answer(
        orjson.dumps(
            {
                "since": utc_text(asked.starts_ms[0]),
                "until": utc_text(asked.until_ms),
                "buckets": buckets,
                "scanned_to": id_of(found.scanned_to),
                "complete": found.complete,
            }
        )
    )


async def _read(context: ApiContext, read: Callable[[dict[str, list[str]], SourceScope], T]) -> T:
    """What is asked for; a query is compiled beside the loop."""
    arguments = request.args.to_dict(flat=False)
    reading = partial(read, arguments, scope_now(context))
    return await context.aside.run(reading) if arguments.get("q") else reading()


async def _resolve(context: ApiContext, view: View, place: AskedPlace) -> int:
    resolution = await context.hub.journal.resolve(place.position, view.tells)
    if resolution.at is None:
        raise UnknownIdError(place.anchor, place.text, resolution.reason or "this id is not known")
    # The journal may have recorded more than the hub has let out.
    return min(resolution.at, context.hub.head)


def _told(page: Page, **more: Any) -> Response:  # noqa: ANN401 - members of a JSON object
    rest = {
        "gaps": [gap_facts(gap) for gap in page.gaps],
        "scanned_to": id_of(page.scanned_to),
        "more": page.more,
        **more,
    }
    # Records are JSON already, made once for all who ask.
    body = b'{"records":[%b],%b' % (b",".join(record.json for record in page.records), orjson.dumps(rest)[1:])
    return json_answer(body)
