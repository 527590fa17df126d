"""`logstream sources`, `demo` and `completion` as a shell runs them."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

import httpx
import orjson
import pytest

from tests.running import eventually, running

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

COMMAND = (sys.executable, "-m", "logstream")
PATIENCE_SECONDS = 40


def shell(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*COMMAND, *arguments], capture_output=True, text=True, timeout=PATIENCE_SECONDS, check=False)


def test_sources_are_shown_with_files_formats_and_lag(tmp_path: Path) -> None:
    with running(tmp_path) as service:
        service.write("a.log", '{"a":1}')
        service.wait_until_read("a.log")
        shown = shell("sources", service.url)
        told = shell("sources", f"{service.url}/", "--format", "json")
        whole = service.get("/api/v1/sources").json()

    assert shown.stdout.splitlines()[0] == "app: ok, 1 file"
    assert shown.stdout.splitlines()[1].split() == [str(tmp_path / "logs" / "a.log"), "following", "json", "8", "bytes"]
    assert orjson.loads(told.stdout) == whole


def test_sources_of_nothing_are_an_error() -> None:
    nowhere, no_address = shell("sources", "http://127.0.0.1:1"), shell("sources", "example.org")

    assert (nowhere.returncode, no_address.returncode) == (1, 2)
    assert "is logstream serving there?" in nowhere.stderr
    assert "'example.org' is no address such as http://127.0.0.1:8780" in no_address.stderr


@contextmanager
def demo(tmp_path: Path, *options: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    environ = {**os.environ, "TMPDIR": str(tmp_path)}
    with subprocess.Popen(
        [*COMMAND, "demo", "--port", "0", *options],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environ,
    ) as process:
        try:
            assert process.stdout is not None
            yield process, process.stdout.readline().split()[-1].rstrip("/")
        finally:
            process.kill()


def test_the_demo_serves_six_formats_rotates_them_and_leaves_nothing(tmp_path: Path) -> None:
    with demo(tmp_path, "--rate", "5000") as (process, url):

        def formats() -> set[str]:
            sources = httpx.get(f"{url}/api/v1/sources").json()["sources"]
            return {file["format"] for source in sources for file in source["files"]}

        eventually(lambda: formats() >= {"access", "json", "logfmt", "log4j", "syslog", "postgres"})
        eventually(lambda: bool(list(tmp_path.glob("logstream-demo-*/logs/access.log.3"))))
        records = httpx.get(f"{url}/api/v1/records", params={"limit": "1000"}).json()["records"]
        process.send_signal(signal.SIGTERM)
        assert process.wait(PATIENCE_SECONDS) == 0
        assert process.stderr is not None
        assert "Traceback" not in process.stderr.read()

    assert {record["source"] for record in records} >= {"nginx", "shop", "worker", "billing", "system", "database"}
    assert all(record["time"] is not None for record in records if not record["cont"])
    assert any(record["cont"] for record in records)
    assert not list(tmp_path.iterdir())


def test_each_line_of_the_demo_comes_once(tmp_path: Path) -> None:
    with demo(tmp_path, "--rate", "200") as (process, url):
        shown = shell("tail", url, "--from", "start", "--no-follow", "--source", "billing")
        logs = next(tmp_path.glob("logstream-demo-*/logs"))
        # It may have been rotated by now, oldest first.
        lives = sorted(logs.glob("billing.log*"), key=lambda path: path.name, reverse=True)
        written = [line for path in lives for line in path.read_text().splitlines()]
        process.send_signal(signal.SIGTERM)
        process.wait(PATIENCE_SECONDS)

    lines = shown.stdout.splitlines()
    assert len(lines) > 1
    assert lines == written[: len(lines)]


@pytest.mark.parametrize("name", ["bash", "zsh", "fish"])
def test_a_script_for_each_shell_is_printed(name: str) -> None:
    done = shell("completion", name)

    assert (done.returncode, done.stderr) == (0, "")
    assert f"_LOGSTREAM_COMPLETE={name}_complete" in done.stdout


def test_bash_completes_commands_and_options(tmp_path: Path) -> None:
    bash = shutil.which("bash")
    assert bash is not None
    script = tmp_path / "completion"
    script.write_text(shell("completion", "bash").stdout)
    bin_directory = tmp_path / "bin"
    bin_directory.mkdir()
    command = bin_directory / "logstream"
    command.write_text(f'#!/bin/sh\nexec {sys.executable} -m logstream "$@"\n')
    command.chmod(0o755)

    def complete(*words: str) -> list[str]:
        typed = " ".join(f"'{word}'" for word in words)
        program = f"""
            source {script}
            COMP_WORDS=({typed}); COMP_CWORD={len(words) - 1}
            _logstream_completion logstream; printf '%s\\n' "${{COMPREPLY[@]}}"
        """
        environ = {**os.environ, "PATH": f"{bin_directory}:{os.environ['PATH']}"}
        done = subprocess.run([bash, "-c", program], capture_output=True, text=True, check=True, env=environ)
        return done.stdout.split()

    assert complete("logstream", "ta") == ["tail"]
    assert complete("logstream", "tail", "--no") == ["--no-follow"]
    assert complete("logstream", "tail", "x", "--format", "j") == ["json"]
    assert complete("logstream", "rules", "") == ["test"]
