"""`logstream prove` as a shell runs it: on its own, through services that are exact, and through some that are not."""

from __future__ import annotations

import json
import os
import pty
import re
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING, ClassVar
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from tests.relay import Relay
from tests.running import eventually, running

if TYPE_CHECKING:
    from collections.abc import Iterator

COMMAND = (sys.executable, "-m", "logstream", "prove")
README = Path(__file__).parents[2] / "README.md"
PATIENCE_SECONDS = 55
NUMBERS = ("written", "seen", "lost", "twice", "disorder", "in gaps")


def prove(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*COMMAND, *arguments], capture_output=True, text=True, timeout=PATIENCE_SECONDS, check=False)


def table(output: str) -> dict[str, dict[str, int]]:
    """The rows by their names."""
    rows = {}
    for line in output.partition("\n\n")[0].splitlines()[1:]:
        cells = re.split(r" {2,}", line.removesuffix(" s").strip())
        name, numbers = cells[0], cells[2:8]
        rows[name] = dict(zip(NUMBERS, (int(cell.replace(",", "")) for cell in numbers), strict=True))
    return rows


def add_up(rows: dict[str, dict[str, int]]) -> bool:
    parts = [row for name, row in rows.items() if name != "total"]
    return all(row["written"] == row["seen"] + row["lost"] + row["in gaps"] for row in rows.values()) and rows[
        "total"
    ] == {name: sum(row[name] for row in parts) for name in NUMBERS}


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> subprocess.CompletedProcess[str]:
    directory = tmp_path_factory.mktemp("own")
    done = prove("--dir", str(directory), "--seconds", "5", "--rate", "500")
    assert list(directory.iterdir()) == [], "it leaves nothing"
    return done


def test_a_service_of_its_own_is_proven_exact(own: subprocess.CompletedProcess[str]) -> None:
    rows = table(own.stdout)

    assert own.returncode == 0, own.stdout + own.stderr
    assert rows["total"] | {"lost": 0, "twice": 0, "disorder": 0} == rows["total"]
    assert own.stdout.splitlines()[-1].startswith(f"Exact: each of {rows['total']['written']:,} lines came once")


def test_its_figures_add_up_and_agree_with_its_verdict(own: subprocess.CompletedProcess[str]) -> None:
    rows = table(own.stdout)

    assert add_up(rows)
    assert (own.returncode, "NOT exact" in own.stdout) in {(0, False), (1, True)}, own.stderr
    assert own.returncode == 1 or not any(rows["total"][name] for name in ("lost", "twice", "disorder"))
    assert all(row["written"] > 100 for row in rows.values())
    assert rows["while down: deleted unsent"]["in gaps"] >= 40
    assert re.search(r"cut \d+ times, \d+ of them within an event", own.stdout)
    assert re.search(r"killed [3-9] times \(kill -9\)", own.stdout)


def test_without_an_option_it_takes_less_than_a_minute_says_meanwhile_what_it_does_and_tells_the_worst_delay(
    tmp_path: Path,
) -> None:
    """On a terminal; whoever writes stderr to a file has the report alone."""
    ours, terminal = pty.openpty()
    began = time.monotonic()
    with subprocess.Popen(
        [*COMMAND, "--dir", str(tmp_path)], stdout=subprocess.PIPE, stderr=terminal, text=True
    ) as process:
        os.close(terminal)
        drawn = b""
        while piece := read_terminal(ours):
            drawn += piece
        assert process.stdout is not None
        output = process.stdout.read()
        code = process.wait(PATIENCE_SECONDS)
    took_seconds = time.monotonic() - began
    os.close(ours)

    assert (code, took_seconds < 60) == (0, True), output
    assert b"proving" in drawn
    said = {part.strip() for part in re.findall(rb"\]  ?([^\x1b\r]+)", drawn)}
    assert len(said) > 5, said
    assert all(re.search(r"\d\.\d{3} s$", line) for line in output.partition("\n\n")[0].splitlines()[1:])
    assert output.splitlines()[0].split("  ")[-1].strip() == "worst delay"
    rows = table(output)
    assert add_up(rows)
    assert rows["total"]["written"] > 10_000


def read_terminal(descriptor: int) -> bytes:
    """What was drawn; nothing once the other side is closed."""
    try:
        return os.read(descriptor, 4096)
    except OSError:
        return b""


def test_the_readme_shows_what_it_prints(own: subprocess.CompletedProcess[str]) -> None:
    (shown,) = re.findall(r"```sh\nlogstream prove\n```.*?```text\n(.*?)```", README.read_text(), re.DOTALL)
    rows = table(shown)

    assert list(rows) == list(table(own.stdout))
    assert shown.splitlines()[0] == own.stdout.splitlines()[0]
    assert add_up(rows)
    assert f"Exact: each of {rows['total']['written']:,} lines" in shown


def test_a_directory_that_a_running_service_watches_is_proven_through_a_relay_and_left_as_it_was(
    tmp_path: Path,
) -> None:
    with running(tmp_path) as service, Relay(service.port) as relay:
        service.write("own.log", "a line of its own")
        done = prove("--url", relay.url, "--dir", str(service.logs), "--seconds", "4", "--rate", "500")
        rows = table(done.stdout)
        assert done.returncode == 0, done.stdout + done.stderr
        assert [path.name for path in service.logs.iterdir()] == ["own.log"]

    assert add_up(rows)
    assert len(rows) == 8
    assert rows["total"]["seen"] == rows["total"]["written"] > 500
    assert re.search(r"cut [1-9]\d* times", done.stdout), done.stdout
    assert "killed" not in done.stdout


def test_reading_alone_proves_what_the_service_has(tmp_path: Path) -> None:
    with running(tmp_path) as service, Relay(service.port) as relay:
        for name in ("a.log", "b.log"):
            service.write(name, *[f"line {number} {'x' * (number % 200)}" for number in range(1_500)])
            service.wait_until_read(name)
        done = prove("--url", relay.url, "--seconds", "4")

    rows = table(done.stdout)
    assert done.returncode == 0, done.stdout + done.stderr
    assert add_up(rows)
    assert rows["total"]["written"] > 2_900
    assert "came once and in order, over the connection that was cut, too" in done.stdout
    assert "without our doing" not in done.stdout, "to hang up at the end is its own doing"


def test_of_few_lines_it_says_that_they_prove_little_and_of_none_that_they_prove_nothing(tmp_path: Path) -> None:
    with running(tmp_path) as service:
        service.wait_until_ready()
        none = prove("--url", service.url, "--seconds", "1")
        service.write("a.log", "one", "two", "three")
        service.wait_until_read("a.log")
        few = prove("--url", service.url, "--seconds", "1")

    assert (none.returncode, few.returncode) == (0, 0), none.stderr + few.stderr
    assert "Nothing is proven" in none.stdout
    assert "proves little" in few.stdout


class Inexact(BaseHTTPRequestHandler):
    """A service whose resume is off by `slip`: one line too far, or one too few."""

    protocol_version = "HTTP/1.1"
    slip: ClassVar[int] = 0
    lines: ClassVar[int] = 3_000

    def do_GET(self) -> None:
        url = urlsplit(self.path)
        if url.path == "/api/v1/records":
            self._answer("application/json", self._page(parse_qs(url.query)))
            return
        begin = int(self.headers["Last-Event-ID"]) + 1
        # The first id is what both readings begin with: it is no resume.
        begin += self.slip if begin > 1 else 0
        events = [{"heartbeat_seconds": 15, "resume": {"from": None, "exact": True, "reason": None}}]
        body = f"event: hello\ndata: {json.dumps(events[0])}\n\n"
        body += "".join(f"event: line\ndata: {json.dumps(record(n))}\nid: {n}\n\n" for n in range(begin, self.lines))
        self._answer("text/event-stream", body)

    def log_message(self, *_: object) -> None:
        pass

    def _page(self, _asked: dict[str, list[str]]) -> str:
        return json.dumps({"records": [record(0)], "more": False, "scanned_to": "0"})

    def _answer(self, kind: str, body: str) -> None:
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        try:
            # So slowly that no connection gets to the end uncut.
            for at in range(0, len(body), 8_000):
                self.wfile.write(body[at : at + 8_000].encode())
                time.sleep(0.01)
        except OSError:
            self.close_connection = True


def record(number: int) -> dict[str, object]:
    return {"id": str(number), "source": "app", "file": "/a.log", "text": "x" * 100}


class Quiet(ThreadingHTTPServer):
    """Says nothing of connections that were cut: that is what they are there for."""

    def handle_error(self, *_: object) -> None:
        pass


@contextmanager
def serving(handler: type[BaseHTTPRequestHandler]) -> Iterator[str]:
    server = Quiet(("127.0.0.1", 0), handler)
    thread = Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.mark.parametrize(("slip", "column", "word"), [(1, "lost", "were lost"), (-1, "twice", "came twice")])
def test_a_service_that_resumes_one_line_off_is_found_out(slip: int, column: str, word: str) -> None:
    with serving(type("Slipping", (Inexact,), {"slip": slip})) as url:
        done = prove("--url", url, "--seconds", "3")

    rows = table(done.stdout)
    assert done.returncode == 1, done.stdout + done.stderr
    assert rows["total"][column] > 0
    assert add_up(rows)
    assert re.search(rf"NOT exact: of [\d,]+ lines, .*{word}", done.stdout)


class Losing(BaseHTTPRequestHandler):
    """A proxy that swallows every hundredth event of a stream."""

    protocol_version = "HTTP/1.1"
    target: ClassVar[str] = ""
    passed: ClassVar[int] = 0

    def do_GET(self) -> None:
        headers = {name: value for name, value in self.headers.items() if name.lower() != "host"}
        with httpx.stream("GET", self.target + self.path, headers=headers, timeout=30) as response:
            self.send_response(response.status_code)
            self.send_header("Content-Type", response.headers["Content-Type"])
            self.send_header("Connection", "close")
            self.end_headers()
            self.close_connection = True
            try:
                self._pass_on(response)
            except (OSError, httpx.HTTPError):
                return

    def log_message(self, *_: object) -> None:
        pass

    def _pass_on(self, response: httpx.Response) -> None:
        if "event-stream" not in response.headers["Content-Type"]:
            self.wfile.write(response.read())
            return
        rest = b""
        for chunk in response.iter_raw():
            *events, rest = (rest + chunk).split(b"\n\n")
            for event in events:
                type(self).passed += b"\nid: " in event
                if self.passed % 100 or b"\nid: " not in event:
                    self.wfile.write(event + b"\n\n")


def test_a_proxy_that_loses_lines_is_found_out_and_each_lost_line_is_named(tmp_path: Path) -> None:
    with running(tmp_path) as service, serving(type("Proxy", (Losing,), {"target": service.url})) as url:
        done = prove("--url", url, "--dir", str(service.logs), "--seconds", "3", "--rate", "500")

    rows = table(done.stdout)
    assert done.returncode == 1, done.stdout + done.stderr
    assert rows["total"]["lost"] > 0
    assert add_up(rows)
    assert re.search(r"lost: logstream-prove-\w+-\w+\.log \(life \d+\), lines? \d+", done.stdout)


def test_a_directory_that_the_service_does_not_watch_is_an_error_with_a_remedy(tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    with running(tmp_path) as service:
        done = prove("--url", service.url, "--dir", str(elsewhere))

    assert done.returncode == 2
    assert f'add a source with paths = ["{elsewhere}/*.log"]' in done.stderr
    assert list(elsewhere.iterdir()) == []


def test_wrong_usage_is_told_and_nothing_is_started(tmp_path: Path) -> None:
    missing = prove("--dir", str(tmp_path / "missing"))
    no_address = prove("--url", "example.org")
    nowhere = prove("--url", "http://127.0.0.1:1", "--seconds", "1")

    assert (missing.returncode, no_address.returncode, nowhere.returncode) == (2, 2, 1)
    assert "does not exist" in missing.stderr
    assert "'example.org' is no address such as http://127.0.0.1:8780" in no_address.stderr
    assert "is logstream serving there?" in nowhere.stderr


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_whoever_interrupts_it_finds_nothing_left(tmp_path: Path, number: signal.Signals) -> None:
    with subprocess.Popen(
        [*COMMAND, "--dir", str(tmp_path)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        eventually(lambda: bool(list(tmp_path.glob("logstream-prove-*/state/journal.db"))))
        children = _children(process.pid)
        time.sleep(0.5)
        process.send_signal(number)
        code = process.wait(PATIENCE_SECONDS)
        assert process.stderr is not None
        assert "Traceback" not in process.stderr.read()

    assert code == 130
    assert list(tmp_path.iterdir()) == []
    assert children
    eventually(lambda: not any(map(_runs, children)))


def _children(pid: int) -> list[int]:
    told = subprocess.run(["ps", "-o", "pid=", "--ppid", str(pid)], capture_output=True, text=True, check=True)
    return [int(word) for word in told.stdout.split()]


def _runs(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True
