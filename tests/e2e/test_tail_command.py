"""`logstream tail` as a shell runs it: over HTTP through cuts and kills, and on files without a service."""

from __future__ import annotations

import gzip
import os
import signal
import subprocess
import sys
import threading
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from queue import SimpleQueue
from typing import TYPE_CHECKING

import orjson
import pytest

from tests.relay import Relay
from tests.running import SOURCES, eventually, running

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

COMMAND = (sys.executable, "-m", "logstream", "tail")
PATIENCE_SECONDS = 40


class Tail:
    """A running `logstream tail`, whose output is taken as it comes: else it would wait there, and read nothing."""

    def __init__(self, process: subprocess.Popen[str], stderr: Path) -> None:
        self.process = process
        self._stderr = stderr
        self._lines: SimpleQueue[str] = SimpleQueue()
        self.reading = threading.Thread(target=self._read, name="output")
        self.reading.start()

    @property
    def stderr(self) -> str:
        """What it has said so far."""
        return self._stderr.read_text()

    def lines(self, count: int) -> list[str]:
        """The next lines of its output."""
        return [self._lines.get(timeout=PATIENCE_SECONDS) for _ in range(count)]

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self._lines.put(line.rstrip("\n"))


@contextmanager
def tailing(tmp_path: Path, *arguments: str) -> Iterator[Tail]:
    stderr = tmp_path / "tail.stderr"
    with (
        stderr.open("w") as said,
        subprocess.Popen([*COMMAND, *arguments], stdout=subprocess.PIPE, stderr=said, text=True) as process,
    ):
        tail = Tail(process, stderr)
        try:
            yield tail
        finally:
            process.kill()
            tail.reading.join()


def ended(*arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
    """A `logstream tail` that ends by itself."""
    return subprocess.run(
        [*COMMAND, *arguments],
        capture_output=True,
        text=True,
        timeout=PATIENCE_SECONDS,
        check=False,
        env={**os.environ, **environ},
    )


def test_each_line_comes_once_through_cuts_and_kills_of_the_service(tmp_path: Path) -> None:
    lines = [f"line {number:05}" for number in range(6_000)]
    with running(tmp_path, SOURCES + "[stream]\nretry_ms = 100\n") as service, Relay(service.port) as relay:
        service.write("a.log", *lines[:1_000])
        with tailing(tmp_path, relay.url, "--from", "start", "--source", "app") as tail:
            found = tail.lines(500)
            for begin in range(1_000, 6_000, 1_000):
                relay.cut()
                service.write("a.log", *lines[begin : begin + 500])
                if begin % 2_000 == 0:
                    service.kill()
                    service.start()
                relay.restore()
                service.write("a.log", *lines[begin + 500 : begin + 1_000])
                found += tail.lines(1_000)
            found += tail.lines(500)
            eventually(lambda: tail.stderr.count("connected again, nothing is missing") >= 5)

    assert found == lines


def _has_tried_again(tail: Tail, times: int) -> bool:
    return tail.stderr.count("trying again") > times


def test_the_past_is_told_once_when_the_connection_breaks_in_it(tmp_path: Path) -> None:
    lines = [f"line {number:05} {'x' * 2_000}" for number in range(5_000)]
    with running(tmp_path, SOURCES + "[stream]\nretry_ms = 100\n") as service, Relay(service.port) as relay:
        service.write("a.log", *lines)
        service.wait_until_read("a.log")
        relay.cut_after(200_000)
        with tailing(tmp_path, relay.url, "--from", "-5000", "--source", "app") as tail:
            for is_last in (False, False, True):
                eventually(lambda: relay.is_cut)
                eventually(partial(_has_tried_again, tail, tail.stderr.count("trying again")))
                if not is_last:
                    relay.cut_after(200_000)
                relay.restore()
            found = tail.lines(len(lines))
            service.write("a.log", "the next")
            found += tail.lines(1)

    assert found == [*lines, "the next"]


def test_a_service_that_falls_silent_is_left_and_met_again(tmp_path: Path) -> None:
    quick = "[stream]\nretry_ms = 100\nheartbeat_seconds = 1\n"
    with running(tmp_path, SOURCES + quick) as service, Relay(service.port) as relay:
        service.wait_until_ready()
        with tailing(tmp_path, relay.url, "--from", "start", "--source", "app") as tail:
            service.write("a.log", "one")
            assert tail.lines(1) == ["one"]
            relay.swallow()
            service.write("a.log", "two")
            eventually(lambda: "fallen silent" in tail.stderr)
            relay.restore()
            assert tail.lines(1) == ["two"]


def test_a_source_that_a_reload_takes_away_ends_the_command_with_those_that_there_are(tmp_path: Path) -> None:
    other = '[[source]]\nname = "other"\npaths = ["other/*.log"]\n'
    with running(tmp_path, f"[stream]\nretry_ms = 100\n{SOURCES}{other}") as service:
        (tmp_path / "other").mkdir()
        with tailing(tmp_path, service.url, "--from", "start", "--source", "other") as tail:
            (tmp_path / "other" / "o.log").write_text("one\n")
            assert tail.lines(1) == ["one"]
            (tmp_path / "config.toml").write_text(f'[state]\ndir = "state"\n{SOURCES}')
            service.signal(signal.SIGHUP)
            assert tail.process.wait(PATIENCE_SECONDS) == 2
            assert "no source matches 'other'; there are: app" in tail.stderr


def test_a_service_is_asked_for_sources_and_queries_and_left_once_all_is_told(tmp_path: Path) -> None:
    other = '[[source]]\nname = "other"\npaths = ["other/*.log"]\n'
    with running(tmp_path, SOURCES + other) as service:
        (tmp_path / "other").mkdir()
        (tmp_path / "other" / "o.log").write_text("ERROR elsewhere\n")
        service.write("a.log", "ERROR one", "INFO two", '{"level":"error","took":300}', "ERROR four")
        service.wait_until_read("a.log")
        eventually(lambda: "elsewhere" in service.get("/api/v1/records").text)
        once = ("--no-follow", "--from", "start")
        assert ended(service.url, *once, "--source", "app", "-q", "level:error").stdout.splitlines() == [
            "ERROR one",
            '{"level":"error","took":300}',
            "ERROR four",
        ]
        whole = ended(service.url, *once)
        assert max(whole.stdout.splitlines()) == "other ERROR elsewhere"
        assert whole.stderr == ""
        took = ended(service.url, *once, "--format", "json", "-q", "took:>250ms")
        assert [orjson.loads(line)["fields"]["took"] for line in took.stdout.splitlines()] == [300]
        wrong = ended(service.url, "-q", "level:loud")
        assert (wrong.returncode, wrong.stdout) == (2, "")
        assert "column 7: expected a level" in wrong.stderr
        unknown = ended(service.url, "--source", "nothing")
        assert unknown.returncode == 2
        assert "no source matches 'nothing'; there are: app, other" in unknown.stderr


def test_where_nothing_listens_the_command_says_so_at_once(tmp_path: Path) -> None:
    with running(tmp_path) as service:
        port = service.port
    nowhere = ended(f"http://127.0.0.1:{port}")

    assert nowhere.returncode == 1
    assert nowhere.stderr.startswith(f"error: http://127.0.0.1:{port}: ")
    assert "is logstream serving there?" in nowhere.stderr


def test_what_is_no_logstream_is_named(tmp_path: Path) -> None:
    with running(tmp_path) as service:
        elsewhere = ended(f"{service.url}/healthz")

    assert elsewhere.returncode in {1, 2}
    assert elsewhere.stderr.startswith("error: ")


def test_a_file_is_followed_through_rotation_and_truncation(tmp_path: Path) -> None:
    log = tmp_path / "a.log"
    log.write_text("".join(f"old {number}\n" for number in range(20)))
    with tailing(tmp_path, str(log), "--from", "-3") as tail:
        assert tail.lines(3) == ["old 17", "old 18", "old 19"]
        with log.open("a") as file:
            file.write("new\n")
        assert tail.lines(1) == ["new"]
        log.rename(tmp_path / "a.log.1")
        with (tmp_path / "a.log.1").open("a") as file:
            file.write("late\n")
        log.write_text("next\n")
        assert tail.lines(2) == ["late", "next"]
        eventually(lambda: f"{log} was rotated" in tail.stderr)
        os.truncate(log, 0)
        with log.open("a") as file:
            file.write("after truncation\n")
        assert tail.lines(1) == ["after truncation"]
        tail.process.send_signal(signal.SIGINT)
        assert tail.process.wait(PATIENCE_SECONDS) == 130
        assert "Traceback" not in tail.stderr


def test_files_are_merged_by_time_and_named(tmp_path: Path) -> None:
    (tmp_path / "A b.log").write_text("2026-11-01T10:00:00Z a1\n2026-11-01T10:00:02Z a2\n")
    (tmp_path / "c.log").write_text("2026-11-01T10:00:01Z c1\n2026-11-01T10:00:03Z c2\n")
    done = ended(str(tmp_path / "A b.log"), str(tmp_path / "c.log"), "--no-follow", "--from", "-3")

    assert done.stdout.splitlines() == [
        "c.log 2026-11-01T10:00:01Z c1",
        "a-b.log 2026-11-01T10:00:02Z a2",
        "c.log 2026-11-01T10:00:03Z c2",
    ]
    assert done.stderr == ""


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (("--from", "2026-11-01T10:00:02"), ["2", "3", "4"]),
        (("--from", "2026-11-01T10:00:02", "--until", "2026-11-01T10:00:04"), ["2", "3"]),
        (("--from", "start", "--until", "2026-11-01T11:00:01+01:00"), ["0"]),
        (("--from", "start", "--until", "2026-11-01"), []),
        (("-q", "z*3 OR /Z 4/", "--from", "start"), ["3", "4"]),
        (("-q", "3", "--source", "a.l*"), ["3"]),
    ],
)
def test_what_is_shown_is_chosen_by_time_query_and_source(
    tmp_path: Path, options: tuple[str, ...], expected: list[str]
) -> None:
    log = tmp_path / "a.log"
    log.write_text("".join(f"2026-11-01T10:00:0{number}Z {number}\n" for number in range(5)))
    done = ended(str(log), "--no-follow", *options)

    assert [line[-1] for line in done.stdout.splitlines()] == expected
    assert (done.returncode, done.stderr) == (0, "")


def test_a_last_line_without_an_end_is_shown_when_nobody_waits_for_it(tmp_path: Path) -> None:
    log = tmp_path / "a.log"
    log.write_text("one\nERROR two")

    done = ended(str(log), "--no-follow", "--format", "json")
    told = [orjson.loads(line) for line in done.stdout.splitlines()]
    assert [(record["text"], record["level"]) for record in told] == [("one", None), ("ERROR two", "error")]
    assert told[0]["id"] is not None
    assert told[1]["id"] is None
    assert ended(str(log), "--no-follow", "-q", "three").stdout == ""
    with tailing(tmp_path, str(log)) as tail:
        assert tail.lines(1) == ["one"]
        with log.open("a") as file:
            file.write(" and a half\n")
        assert tail.lines(1) == ["ERROR two and a half"]


def test_a_file_that_cannot_be_read_is_told_and_the_others_are_shown(tmp_path: Path) -> None:
    packed, log = tmp_path / "a.log.gz", tmp_path / "b.log"
    packed.write_bytes(gzip.compress(b"one\n"))
    log.write_text("two\n")
    done = ended(str(packed), str(log), "--no-follow")

    assert (done.returncode, done.stdout) == (1, "b.log two\n")
    assert done.stderr == f"logstream: {packed} cannot be read: compressed\n"


def test_a_time_to_end_at_ends_also_what_nothing_is_written_to(tmp_path: Path) -> None:
    log = tmp_path / "a.log"
    log.write_text("one\n")
    soon = datetime.now(UTC) + timedelta(seconds=3)
    done = ended(str(log), "--follow", "--until", soon.isoformat(timespec="milliseconds"))

    assert (done.returncode, done.stdout) == (0, "one\n")
    assert datetime.now(UTC) >= soon


def test_rules_of_a_configuration_are_applied_to_files(tmp_path: Path) -> None:
    (tmp_path / "c.toml").write_text('[[rule]]\nname = "s"\nmatch = "pass=(.*)"\nredact = true\n')
    (tmp_path / "a.log").write_text("pass=hunter2\n")
    done = ended(str(tmp_path / "a.log"), "--no-follow", "--config", str(tmp_path / "c.toml"))

    assert done.stdout == "pass=***\n"


def test_a_reader_that_has_enough_ends_the_command_quietly(tmp_path: Path) -> None:
    log = tmp_path / "a.log"
    log.write_text("line\n" * 200_000)
    with (
        (tmp_path / "err").open("w+") as stderr,
        subprocess.Popen([*COMMAND, str(log), "--from", "start"], stdout=subprocess.PIPE, stderr=stderr) as process,
    ):
        assert process.stdout is not None
        assert process.stdout.readline() == b"line\n"
        process.stdout.close()
        assert process.wait(PATIENCE_SECONDS) == 1
    assert (tmp_path / "err").read_text() == ""


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("missing.log", "--no-follow"), "no such file: missing.log"),
        (("localhost:8780", "--no-follow"), "localhost:8780 (a service is named with http://localhost:8780)"),
        ((".",), ". is a directory; name files in it, as in ./*.log"),
        (("http://a", "http://b"), "one address at a time"),
        (("a.log", "--from", "yesterday"), "--from='yesterday': expected now, start, -N"),
        (("a.log", "--until", "soon"), "--until 'soon': expected a time such as 2026-11-01"),
        (("a.log", "--from", "1.aaaaaaaa.0.0"), "--from: an event's id leads somewhere in a service only"),
        (("a.log", "-q", "(a"), "column 3: expected a )"),
        (("http://127.0.0.1:1", "--header", "x"), "--header 'x': expected 'NAME: VALUE'"),
        (("a.log", "--config", "none.toml"), "none.toml: no such file"),
        ((), "Missing argument 'TARGET...'"),
    ],
)
def test_wrong_usage_names_the_remedy_and_exits_2(
    tmp_path: Path, arguments: tuple[str, ...], told: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.log").touch()
    done = ended(*arguments)

    assert (done.returncode, done.stdout) == (2, "")
    assert told in done.stderr


def test_a_file_that_is_not_there_yet_is_waited_for(tmp_path: Path) -> None:
    log = tmp_path / "later.log"
    with tailing(tmp_path, str(log)) as tail:
        eventually(lambda: tail.stderr.endswith("does not exist yet; waiting for it\n"))
        log.write_text("here\n")
        assert tail.lines(1) == ["here"]


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGHUP, 129), (signal.SIGINT, 130)])
def test_a_command_that_is_told_to_end_leaves_nothing_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: signal.Signals, code: int
) -> None:
    (tmp_path / "left").mkdir()
    monkeypatch.setenv("TMPDIR", str(tmp_path / "left"))
    (tmp_path / "a.log").write_text("one\n")
    with tailing(tmp_path, str(tmp_path / "a.log")) as tail:
        assert tail.lines(1) == ["one"]
        assert list((tmp_path / "left").iterdir())
        tail.process.send_signal(number)
        assert tail.process.wait(PATIENCE_SECONDS) == code
    assert not list((tmp_path / "left").iterdir())
    assert "Traceback" not in tail.stderr


def test_a_file_that_was_asked_for_by_a_name_that_none_has_is_no_silence(tmp_path: Path) -> None:
    (tmp_path / "a.log").write_text("one\n")
    unknown = ended(str(tmp_path / "a.log"), "--no-follow", "--source", "b.log")

    assert (unknown.returncode, unknown.stdout) == (2, "")
    assert unknown.stderr == "error: no source matches 'b.log'; there are: a.log\n"


def test_a_proxy_gets_the_headers_that_it_asks_for(tmp_path: Path) -> None:
    with running(tmp_path) as service:
        service.write("a.log", "one")
        service.wait_until_read("a.log")
        resume = service.get("/api/v1/records").json()["records"][0]["id"]
        service.write("a.log", "two")
        service.wait_until_read("a.log")
        header = ("--header", f"Last-Event-ID: {resume}")
        done = ended(service.url, "--no-follow", "--from", "start", *header, "--source", "app")

    assert done.stdout == "two\n"


def test_the_service_is_told_apart_by_its_path(tmp_path: Path) -> None:
    with running(tmp_path, SOURCES + '[server]\nroot_path = "/logs"\n') as service:
        service.write("a.log", "one")
        eventually(lambda: ended(f"{service.url}/logs/", "--no-follow", "--source", "app").stdout == "one\n")
