"""Answers of JSON that nobody may keep. Refuses to make the JSON."""

from __future__ import annotations

from quart import Response


def json_answer(body: bytes, status: int = 200) -> Response:
    """`body`, which is JSON, for this one request."""
    response = Response(body, status, content_type="application/json")
    response.headers["Cache-Control"] = "no-store"
    return response
