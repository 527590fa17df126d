"""The processes of a service with several, as it tells of them, and the end of one.

Owns how they are found. Who they are is for docs/workers.md.
"""

from __future__ import annotations

import os
import re
import signal
from typing import TYPE_CHECKING

import httpx

from tests.running import eventually

if TYPE_CHECKING:
    from tests.running import Service


def pids(service: Service) -> dict[str, int]:
    """The processes by name; empty while nobody can answer."""
    try:
        told = service.get("/metrics").text
    except httpx.HTTPError:
        return {}  # the one that was asked has just been ended
    found = re.findall(r'^logstream_process_pid\{process="(.+)"\} (\S+)$', told, re.MULTILINE)
    return {name: int(float(pid)) for name, pid in found}


def kill_one(service: Service, name: str) -> None:
    """`kill -9` of one of them, as soon as it is there."""
    eventually(lambda: name in pids(service))
    os.kill(pids(service)[name], signal.SIGKILL)
