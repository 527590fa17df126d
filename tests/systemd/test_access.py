"""Users and tokens of a service that runs under systemd, in its sandbox, made by root as docs/access.md says."""

from __future__ import annotations

from typing import TYPE_CHECKING

import httpx
import pytest

from tests.running import PATIENCE_SECONDS, eventually
from tests.systemd.machine import SOCKET

if TYPE_CHECKING:
    from pathlib import Path

    from tests.systemd.machine import Machine

# The first test of a session builds the wheel and installs it.
pytestmark = pytest.mark.timeout(300)
PASSWORD = "correct horse battery"  # noqa: S105 - of a user on a machine that is thrown away


def test_users_that_root_adds_log_in_to_the_service_in_its_sandbox(served: Machine, environment: Path) -> None:
    command = str(environment / "bin" / "logstream")
    assert served.get("/api/v1/sources").status_code == 200
    served.run(command, "user", "add", "alice", "--source", "app", typed=f"{PASSWORD}\n")
    token = served.run(command, "token", "add", "programs").strip()
    served.run("systemctl", "reload", "logstream")
    eventually(lambda: served.get("/api/v1/sources").status_code == 401)

    with httpx.Client(
        transport=httpx.HTTPTransport(uds=str(served.path(SOCKET))),
        base_url="http://localhost",
        timeout=PATIENCE_SECONDS,
    ) as client:
        origin = {"Origin": "http://localhost"}
        assert client.post("/login", json={"name": "alice", "password": "wrong"}, headers=origin).status_code == 401
        assert client.post("/login", json={"name": "alice", "password": PASSWORD}, headers=origin).status_code == 204
        assert [source["name"] for source in client.get("/api/v1/sources").json()["sources"]] == ["app"]
        served.run("systemctl", "restart", "logstream")
        assert client.get("/api/v1/session").json()["name"] == "alice"
        client.cookies.clear()
        assert client.get("/api/v1/sources").status_code == 401
        assert client.get("/metrics", headers={"Authorization": f"Bearer {token}"}).status_code == 200

    said = served.run("journalctl", "--no-pager", "--unit=logstream")
    assert "alice has logged in" in said
    assert PASSWORD not in said
    assert token not in said

    served.run(command, "user", "remove", "alice")
    served.run(command, "token", "remove", "programs")
