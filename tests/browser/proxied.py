"""A real nginx before a service, with deploy/nginx/subpath.conf; only the service's address in it is another."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from tests.installed import ROOT
from tests.nginx_process import nginx
from tests.ports import free_port

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.running import Service

_SHIPPED = ROOT / "deploy" / "nginx" / "subpath.conf"
_SHIPPED_SERVICE = "http://unix:/run/logstream/logstream.sock:"


@contextmanager
def nginx_before(service: Service, folder: Path) -> Iterator[str]:
    """The address of the page through nginx."""
    shipped = _SHIPPED.read_text()
    assert _SHIPPED_SERVICE in shipped
    (folder / "subpath.conf").write_text(shipped.replace(_SHIPPED_SERVICE, service.url))
    port = free_port()
    with nginx(folder, f"server {{ listen 127.0.0.1:{port}; include subpath.conf; }}", port):
        yield f"http://127.0.0.1:{port}/logs/"
