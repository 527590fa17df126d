"""A real nginx in a process of its own, on what a test writes into its `http` block; where there is none it is skipped.

Owns what each such nginx has beside that: a folder for all that it writes, and its end.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from tests.ports import is_listened_on
from tests.running import PATIENCE_SECONDS, eventually

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_MAIN = """
{user}
pid nginx.pid;
error_log error.log;
daemon off;
events {{ worker_connections 64; }}
http {{
    access_log off;
    client_body_temp_path body; proxy_temp_path proxy; fastcgi_temp_path f; uwsgi_temp_path u; scgi_temp_path s;
    {http}
}}
"""


@contextmanager
def nginx(folder: Path, http: str, port: int) -> Iterator[None]:
    """nginx on `http`, which listens on `port`, until the context ends; paths in it start from `folder`."""
    program = shutil.which("nginx", path="/usr/sbin:/usr/bin:/usr/local/sbin:/usr/local/bin")
    if program is None:
        pytest.skip("no nginx on this machine (on Debian: apt install nginx)")
    user = "user root;" if os.geteuid() == 0 else ""
    (folder / "nginx.conf").write_text(_MAIN.format(user=user, http=http))
    with (folder / "console").open("w") as console:
        process = subprocess.Popen([program, "-p", folder, "-c", "nginx.conf"], stderr=console)
    try:
        eventually(lambda: is_listened_on(port) or process.poll() is not None)
        assert process.poll() is None, (folder / "console").read_text()
        yield
    finally:
        process.terminate()
        process.wait(PATIENCE_SECONDS)
