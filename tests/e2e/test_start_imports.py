"""What a start imports is time until the first line; what is imported later must not hold the event loop."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from tests.running import SOURCES, Service

if TYPE_CHECKING:
    from pathlib import Path

NOTING = """
import sys, threading
from logstream.__main__ import main

def note(event, arguments):
    if event == "import":
        print("importing", threading.current_thread() is threading.main_thread(), arguments[0], file=sys.stderr)

sys.addaudithook(note)
sys.exit(main())
"""
TARGETS = [
    *("/", "/login", "/docs", "/openapi.json", "/healthz", "/readyz", "/metrics", "/nothing"),
    *("/api/v1/sources", "/api/v1/rules", "/api/v1/session", "/api/v1/query?q=lev", "/api/v1/histogram"),
    *("/api/v1/records?q=one", "/api/v1/export?format=csv"),
]
RULE = '[[rule]]\nname = "errors"\nmatch = "ERROR"\nlevel = "error"\n'
ONLY_LATER = {"quart_schema", "logstream.api.models", "prometheus_client"}


def imported(code: str) -> set[str]:
    """The modules that are there after `code`."""
    told = subprocess.run(
        [sys.executable, "-c", f"{code}\nimport sys\nprint(*sys.modules)"],
        check=True,
        timeout=60,
        capture_output=True,
        text=True,
    )
    return set(told.stdout.split())


@pytest.mark.parametrize("module", ["logstream.server", "logstream.workers"])
def test_a_start_takes_nothing_that_only_some_questions_need(module: str) -> None:
    modules = imported(f"import {module}")
    assert module in modules
    assert not modules & (ONLY_LATER | {"httpx", "logstream.client", "logstream.doctor", "logstream.installing"})


def test_the_help_of_a_command_takes_nothing_of_what_the_command_needs() -> None:
    modules = imported("import logstream.cli")
    assert "click" in modules
    assert not modules & (ONLY_LATER | {"asyncio", "numpy", "pydantic", "quart", "hyperscan", "httpx", "orjson"})


def test_who_follows_a_service_takes_nothing_of_a_service_and_who_follows_files_no_client() -> None:
    service = imported("import logstream.cli.following_service")
    assert "httpx" in service
    assert not service & (ONLY_LATER | {"asyncio", "pydantic", "quart", "sqlite3", "watchfiles"})
    files = imported("import logstream.cli.following_files")
    assert "logstream.local" in files
    assert not files & (ONLY_LATER | {"httpx"})


def test_once_it_listens_the_event_loop_imports_nothing_whatever_is_asked(tmp_path: Path) -> None:
    config = f'[state]\ndir = "state"\n{SOURCES}{RULE}'
    service = Service(tmp_path, config, command=(sys.executable, "-c", NOTING))
    service.logs.mkdir()
    try:
        service.start()
        before = len(service.stderr)
        service.write("a.log", "one", "ERROR two")
        with service.stream(from_="start") as stream:
            assert stream.texts(2) == ["one", "ERROR two"]
        for target in TARGETS:
            assert service.get(target).status_code < 500
        noted = [line.split() for line in service.stderr[before:].splitlines() if line.startswith("importing ")]
        assert {name for *_, name in noted} >= ONLY_LATER
        assert [name for _, is_main, name in noted if is_main == "True"] == []
    finally:
        service.kill()
