"""`GET /api/v1/query`, held against the schema that the service publishes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.hub_kit import Stage
from tests.unit.api.test_app import serving
from tests.unit.api.test_records import check_against_schema, get

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize("target", ["?q=level:%3E%3Dwarn", "?q=level:loud", "", "?q=source:", "?q=levle:x&cursor=2"])
async def test_an_answer_is_as_the_schema_says(tmp_path: Path, target: str) -> None:
    async with Stage(tmp_path) as stage, serving(stage) as app:
        await check_against_schema(app, f"/api/v1/query{target}")


async def test_a_query_is_explained_with_the_names_that_the_service_knows(tmp_path: Path) -> None:
    async with Stage(tmp_path) as stage, serving(stage) as app:
        found = await get(app, "/api/v1/query?q=level:%3E%3Dwarn%20source:&cursor=20")
        assert not found["valid"]
        assert found["error"]["column"] == 21
        assert found["completions"][0]["kind"] == "source"
        assert [(item["text"], item["start"], item["end"]) for item in found["completions"]] == [
            ("app", 20, 20),
            ("web", 20, 20),
        ]

        found = await get(app, "/api/v1/query?q=((Timeout))")
        assert (found["valid"], found["canonical"], found["error"]) == (True, "timeout", None)
        assert found["explanation"] == "lines with “timeout” in any case"


@pytest.mark.parametrize("target", ["?cursor=-1", "?cursor=x", "?cursor=9999999", "?query=a"])
async def test_a_bad_parameter_is_named(tmp_path: Path, target: str) -> None:
    async with Stage(tmp_path) as stage, serving(stage) as app:
        found = await get(app, f"/api/v1/query{target}", 400)

    assert found["parameter"] == target[1:].split("=", maxsplit=1)[0]
