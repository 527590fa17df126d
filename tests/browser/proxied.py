"""A real nginx before a service, with deploy/nginx/subpath.conf; only the service's address in it is another."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from tests.installed import ROOT
from tests.running import PATIENCE_SECONDS, Service, eventually

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_SHIPPED = ROOT / "deploy" / "nginx" / "subpath.conf"
_SHIPPED_SERVICE = "http://unix:/run/logstream/logstream.sock:"
_MAIN = """
{user}
pid nginx.pid;
error_log error.log;
daemon off;
events {{ worker_connections 64; }}
http {{
    access_log off;
    client_body_temp_path body; proxy_temp_path proxy; fastcgi_temp_path f; uwsgi_temp_path u; scgi_temp_path s;
    server {{
        listen 127.0.0.1:{port};
        include subpath.conf;
    }}
}}
"""


@contextmanager
def nginx_before(service: Service, folder: Path) -> Iterator[str]:
    """The address of the page through nginx."""
    program = shutil.which("nginx", path="/usr/sbin:/usr/bin:/usr/local/sbin:/usr/local/bin")
    if program is None:
        pytest.skip("no nginx on this machine (on Debian: apt install nginx)")
    shipped = _SHIPPED.read_text()
    assert _SHIPPED_SERVICE in shipped
    (folder / "subpath.conf").write_text(shipped.replace(_SHIPPED_SERVICE, service.url))
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    user = "user root;" if os.geteuid() == 0 else ""
    (folder / "nginx.conf").write_text(_MAIN.format(port=port, user=user))
    with (folder / "console").open("w") as console:
        process = subprocess.Popen([program, "-p", folder, "-c", "nginx.conf"], stderr=console)
    try:
        eventually(lambda: _listens(port) or process.poll() is not None)
        assert process.poll() is None, (folder / "console").read_text()
        yield f"http://127.0.0.1:{port}/logs/"
    finally:
        process.terminate()
        process.wait(PATIENCE_SECONDS)


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
