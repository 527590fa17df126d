from __future__ import annotations

from pathlib import Path  # noqa: TC003 - fixtures are looked up by it

import pytest
from quart import Quart, request

from logstream.access import Policy
from logstream.api.gate import Gate


@pytest.mark.parametrize(
    ("peer", "headers", "client"),
    [
        ("10.0.0.7", {}, "10.0.0.7"),
        ("10.0.0.7", {"X-Forwarded-For": "1.2.3.4", "X-Real-IP": "1.2.3.4"}, "10.0.0.7"),
        ("<local>", {}, "local"),
        ("<local>", {"X-Real-IP": "1.2.3.4", "X-Forwarded-For": "9.9.9.9"}, "1.2.3.4"),
        ("<local>", {"X-Forwarded-For": "6.6.6.6, 5.5.5.5 , 1.2.3.4 "}, "1.2.3.4"),
        ("<local>", {"X-Forwarded-For": ""}, "local"),
        (None, {"X-Forwarded-For": "1.2.3.4"}, "1.2.3.4"),
    ],
)
async def test_only_the_proxy_on_the_unix_socket_is_believed(
    tmp_path: Path, peer: str | None, headers: dict[str, str], client: str
) -> None:
    app = Quart(__name__)
    async with app.test_request_context("/", headers=headers):
        request.remote_addr = peer
        assert Gate(Policy(), tmp_path).client_of(request) == client
