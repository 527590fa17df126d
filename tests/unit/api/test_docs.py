"""The API's description of itself."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import orjson

from logstream.api import schema
from logstream.api.schema import HIDDEN, ROUTES, schema_of
from tests.hub_kit import Stage
from tests.unit.api.test_app import serving

if TYPE_CHECKING:
    from pathlib import Path

    import pytest
    from quart import Quart

FIRST_QUESTION = """
import asyncio, sys, threading
from pathlib import Path
from logstream.api.docs import docs
from tests.hub_kit import Stage
from tests.unit.api.test_app import serving

async def main():
    async with Stage(Path(sys.argv[1])) as stage, serving(stage) as app:
        print([name for name in ("quart_schema", "logstream.api.models") if name in sys.modules])
        client, importing = app.test_client(), set()
        await client.get("/healthz")
        sys.addaudithook(lambda event, _: event == "import" and importing.add(threading.current_thread().name))
        answer = await client.get("/openapi.json")
        print(answer.status_code, "quart_schema" in sys.modules, "MainThread" in importing)

asyncio.run(main())
"""


async def test_the_schema_is_made_once_however_many_ask(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It takes long."""
    made: list[Quart] = []

    def noted(app: Quart) -> dict[str, Any]:
        made.append(app)
        return schema_of(app)

    monkeypatch.setattr(schema, "schema_of", noted)
    async with Stage(tmp_path) as stage, serving(stage) as app:
        answers = await asyncio.gather(*(app.test_client().get("/openapi.json") for _ in range(3)))
        assert (await app.test_client().get("/docs")).status_code == 200

        assert made == [app]
        assert all(["/api/v1/stream" in orjson.loads(await answer.get_data())["paths"] for answer in answers])


async def test_every_route_is_described_or_hidden(tmp_path: Path) -> None:
    async with Stage(tmp_path) as stage, serving(stage) as app:
        assert ROUTES.keys() | HIDDEN == app.view_functions.keys()
        assert not ROUTES.keys() & HIDDEN


def test_what_only_the_schema_takes_is_imported_at_the_first_question_and_beside_the_loop(tmp_path: Path) -> None:
    """It is a tenth of what a start would import, and longer than the loop may be held."""
    command = [sys.executable, "-c", FIRST_QUESTION, str(tmp_path)]
    told = subprocess.run(command, check=True, timeout=60, capture_output=True, text=True)

    assert told.stdout.splitlines() == ["[]", "200 True False"]
