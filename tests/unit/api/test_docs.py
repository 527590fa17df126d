"""The API's description of itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.hub_kit import Stage
from tests.unit.api.test_app import serving

if TYPE_CHECKING:
    from pathlib import Path


async def test_the_schema_is_made_once(tmp_path: Path) -> None:
    """It takes long, and everybody waits meanwhile."""
    async with Stage(tmp_path) as stage, serving(stage) as app, app.app_context():
        provider = app.extensions["QUART_SCHEMA"].openapi_provider

        assert provider.schema() is provider.schema()
        assert "/api/v1/stream" in provider.schema()["paths"]
