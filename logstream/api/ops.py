"""Routes for operators and for the page's frame: sources, health, readiness, metrics."""

from __future__ import annotations

import asyncio
from itertools import starmap
from typing import TYPE_CHECKING, Any

import orjson
from quart import Blueprint, Response, current_app

from logstream import __version__
from logstream.api.admission import scope_now
from logstream.api.answers import json_answer
from logstream.api.context import APP_KEY, ApiContext, SourceStatus
from logstream.api.frames import gap_facts, utc_text
from logstream.metrics import CONTENT_TYPE

if TYPE_CHECKING:
    from collections.abc import Sequence

    from logstream.records import Gap

ops = Blueprint("ops", __name__)


def _json(value: object, status: int = 200) -> Response:
    return json_answer(orjson.dumps(value), status)


def _context() -> ApiContext:
    context: ApiContext = current_app.extensions[APP_KEY]
    return context


@ops.get("/api/v1/sources")
async def get_sources() -> Response:
    """Every source, its files and their state."""
    context = _context()
    scope = scope_now(context)
    sources = [source for source in await context.sources() if scope.is_whole or source.name in scope.names]
    return json_answer(await asyncio.to_thread(_encoded, sources))


def _encoded(sources: Sequence[SourceStatus]) -> bytes:
    """The answer; of thousands of files it takes too long for the loop."""
    return orjson.dumps({"sources": list(map(_told, sources))})


def _told(source: SourceStatus) -> dict[str, Any]:
    files = [file._asdict() for file in source.files]
    losses = [{**loss._asdict(), "latest": list(starmap(_told_gap, loss.latest))} for loss in source.losses]
    return {
        "name": source.name, "state": source.state, "labels": dict(source.labels), "files": files, "losses": losses,
    }  # fmt: skip


def _told_gap(time: float, gap: Gap) -> dict[str, Any]:
    return {"time": utc_text(round(time * 1000)), **gap_facts(gap)}


@ops.get("/healthz")
async def get_health() -> Response:
    """The process runs and its loop turns."""
    return _json({"status": "ok", "version": __version__})


@ops.get("/readyz")
async def get_readiness() -> Response:
    """The service does all it should; 503 with reasons if not."""
    readiness = _context().readiness()
    status = "ready" if readiness.is_ready else "degraded"
    return _json({"status": status, "reasons": readiness.reasons}, 200 if readiness.is_ready else 503)


@ops.get("/metrics")
async def get_metrics() -> Response:
    """The service's figures in Prometheus' text format; docs/metrics.md lists them."""
    response = Response(await _context().metrics(), content_type=CONTENT_TYPE)
    response.headers["Cache-Control"] = "no-store"
    return response
