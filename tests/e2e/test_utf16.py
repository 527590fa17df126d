"""Logs in UTF-16, as programs on Windows write them, through the whole service."""

from __future__ import annotations

import os
import subprocess
import sys
from functools import partial
from typing import TYPE_CHECKING, Any

import orjson
import pytest

from tests.running import SOURCES, Service, eventually, running

if TYPE_CHECKING:
    from pathlib import Path

MARK = "\ufeff"
ENCODINGS = ("utf-16-le", "utf-16-be")
FORMS = [(encoding, is_marked) for encoding in ENCODINGS for is_marked in (True, False)]
NAMES = [f"{encoding} {'by its mark' if is_marked else 'by configuration'}" for encoding, is_marked in FORMS]
CHARACTERS = ("\u0a0d", "\u0d0a", "\U0001f600", "\u010a\u0a00", "caf\u00e9", "")
RULES = """
[[rule]]
name = "no-probes"
match = 'healthz'
action = "drop"

[[rule]]
name = "tokens"
match = 'token=(\\S+)'
redact = true
"""


def lines_of(what: str, count: int) -> list[str]:
    return [f"{what} {number} {CHARACTERS[number % len(CHARACTERS)]}" for number in range(count)]


class Log:
    """A log file in one encoding."""

    def __init__(self, service: Service, encoding: str, *, is_marked: bool, name: str = "a.log") -> None:
        self.service, self.encoding, self.is_marked = service, encoding, is_marked
        self.path = service.logs / name

    def write(self, *lines: str, end: str = "\r\n") -> None:
        """Append lines, with a mark before the first."""
        mark = MARK if self.is_marked and not (self.path.exists() and self.path.stat().st_size) else ""
        with self.path.open("ab") as file:
            file.write((mark + "".join(f"{line}{end}" for line in lines)).encode(self.encoding, "surrogatepass"))

    def read(self, *lines: str, end: str = "\r\n") -> None:
        """Append, and wait until it has been read."""
        self.write(*lines, end=end)
        self.service.wait_until_read(self.path.name)


def config_of(encoding: str, *, is_marked: bool) -> str:
    return SOURCES if is_marked else f'{SOURCES}encoding = "{encoding}"\n'


def offset_of(record: dict[str, Any]) -> int:
    return int(record["id"].split(".")[2], 36)


def texts(records: list[dict[str, Any]]) -> list[str]:
    return [record["text"] for record in records]


@pytest.mark.parametrize(("encoding", "is_marked"), FORMS, ids=NAMES)
def test_a_log_in_utf_16_is_told_live_and_again_from_each_id_after_rotations_and_kills(
    tmp_path: Path, encoding: str, *, is_marked: bool
) -> None:
    """Conformance: E12."""
    with running(tmp_path, config_of(encoding, is_marked=is_marked)) as service:
        log = Log(service, encoding, is_marked=is_marked)
        oldest, older, live = lines_of("oldest", 700), lines_of("older", 300), lines_of("live", 50)
        service.wait_until_ready()
        with service.stream() as stream:
            stream.expect("ping")
            for start in range(0, len(oldest), 70):
                log.write(*oldest[start : start + 70], end="\n" if start % 20 else "\r\n")
                assert stream.texts(70) == oldest[start : start + 70]
            log.path.rename(service.logs / "a.log.1")
            log.write(*older)
            assert stream.texts(len(older)) == older
        service.kill()
        # Rotated once more while nobody looks, in the middle of what is unread.
        log.write(*live[:20])
        (service.logs / "a.log.1").rename(service.logs / "a.log.2")
        log.path.rename(service.logs / "a.log.1")
        log.write(*live[20:])
        subprocess.run(["gzip", str(service.logs / "a.log.2")], check=True)
        service.start()
        whole = oldest + older + live
        with service.stream(from_="start") as stream:
            records = stream.records(len(whole))
        assert texts(records) == whole
        assert not any(record["cont"] for record in records)
        for index in range(0, len(whole), 61):
            with service.stream(records[index]["id"]) as stream:
                assert stream.event().json["resume"]["exact"]
                assert stream.records(len(whole) - 1 - index) == records[index + 1 :]
        service.kill()
        service.start()
        service.wait_until_ready()
        with service.stream(records[333]["id"]) as stream:
            assert stream.records(len(whole) - 334) == records[334:]
        log.read("after the kill \u0a0d")
        page = service.get(f"/api/v1/records?around={records[690]['id']}&limit=40").json()
        assert texts(page["records"]) == whole[670:710]
        with service.stream(from_="-3") as stream:
            assert stream.texts(3) == [*live[-2:], "after the kill \u0a0d"]


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_ids_of_utf_16_count_raw_bytes_and_the_mark_is_no_text(tmp_path: Path, encoding: str) -> None:
    """Conformance: E12."""
    with running(tmp_path) as service:
        Log(service, encoding, is_marked=True).read("first", f"{MARK}second \ud83d", "", "\U0001f600\0")
        with service.stream(from_="start") as stream:
            records = stream.records(4)
        with service.stream(from_="start", q="/^first$/") as stream:
            assert stream.records(1) == records[:1]
    assert texts(records) == ["first", f"{MARK}second \ufffd", "", "\U0001f600\0"]
    assert [offset_of(record) for record in records] == [16, 38, 42, 52]


@pytest.mark.parametrize(("encoding", "is_marked"), FORMS, ids=NAMES)
def test_rules_queries_formats_and_traces_see_the_text_of_utf_16(
    tmp_path: Path, encoding: str, *, is_marked: bool
) -> None:
    """Conformance: E12."""
    with running(tmp_path, config_of(encoding, is_marked=is_marked) + RULES) as service:
        log = Log(service, encoding, is_marked=is_marked)
        log.read(
            '{"time":"2026-11-01T10:00:00Z","level":"error","msg":"\u0a0d","took":7}',
            "GET /healthz",
            "login token=geheim\u010a \U0001f600",
            "2026-11-01 10:00:01 ERROR broken",
            "    at \u0d0a.Some.method(Some.java:1)",
        )
        with service.stream(from_="start") as stream:
            told, masked, head, trace = stream.records(4)
        with service.stream(from_="start", q="took:>5 level:error") as stream:
            assert stream.records(1) == [told]
        with service.stream(from_="start", q="/\U0001f600/") as stream:
            assert stream.records(1) == [masked]
        file = service.get("/api/v1/sources").json()["sources"][0]["files"][0]
    assert (told["level"], told["fields"]["took"], told["time"]) == ("error", 7, "2026-11-01T10:00:00Z")
    assert "geheim" not in masked["text"]
    assert masked["text"].endswith(" \U0001f600")
    assert (head["cont"], trace["cont"], trace["level"]) == (False, True, "error")
    assert file["format"] is not None
    assert file["read_bytes"] == file["size_bytes"]


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_a_file_that_gets_its_mark_after_it_was_found_is_utf_16_before_anything_is_told(
    tmp_path: Path, encoding: str
) -> None:
    """Conformance: E12."""
    with running(tmp_path) as service:
        log = Log(service, encoding, is_marked=True)

        def is_seen(size: int) -> bool:
            return f'"size_bytes":{size},' in service.get("/api/v1/sources").text

        content = f"{MARK}\u0a0done\ntwo\nhalf".encode(encoding)
        log.path.touch()
        with service.stream(from_="start") as stream:
            for size in (0, 1, 3, 9):
                log.path.write_bytes(content[:size])
                eventually(partial(is_seen, size))
            service.kill()
        service.start()
        log.path.write_bytes(content)
        with service.stream(from_="start") as stream:
            first = stream.records(2)
        service.kill()
        log.path.write_bytes(content + " a line\n".encode(encoding))
        service.start()
        with service.stream(first[0]["id"]) as stream:
            rest = stream.records(2)
    assert texts(first) == ["\u0a0done", "two"]
    assert rest[0] == first[1]
    assert rest[1]["text"] == "half a line"


def test_fifty_megabytes_of_utf_16_without_a_line_end_arrive_in_fragments_that_can_be_resumed(tmp_path: Path) -> None:
    """Conformance: E7, E12."""
    count = 2_500_000
    with running(tmp_path) as service:
        log = Log(service, "utf-16-be", is_marked=True)
        log.write("x" + "\U0001f600\u0a0d" * count, "after")
        with service.stream(from_="start", shape="batch") as stream:
            records = stream.records(3 * count // 32_768 + 2)
        with service.stream(records[100]["id"]) as stream:
            assert stream.records(len(records) - 101) == records[101:]
    assert "".join(texts(records)) == "x" + "\U0001f600\u0a0d" * count + "after"
    assert [record["cont"] for record in records] == [False, *[True] * (len(records) - 2), False]


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_the_commands_read_files_in_utf_16(tmp_path: Path, encoding: str) -> None:
    """Conformance: E12."""
    log = tmp_path / "app.log"
    lines = [*lines_of("line", 5_000), "GET /healthz \u0a0d"]
    log.write_bytes((MARK + "".join(f"{line}\r\n" for line in lines) + "not yet \U0001f600").encode(encoding) + b"\n")
    (tmp_path / "config.toml").write_text(RULES)

    def said(*arguments: str) -> list[Any]:
        command = [sys.executable, "-m", "logstream", *arguments, str(log)]
        done = subprocess.run(
            command, check=True, capture_output=True, cwd=tmp_path, env={**os.environ, "NO_COLOR": "1"}
        )
        return [orjson.loads(line) for line in done.stdout.splitlines()]

    told = said("tail", "--from", "start", "--no-follow", "--format", "json")
    assert texts(told) == [*lines, "not yet \U0001f600"]
    tried = said("rules", "test", "--format", "json", "--lines")
    assert texts(tried) == [*lines, "not yet \U0001f600\ufffd"]
    assert [verdict["line"] for verdict in tried if not verdict["kept"]] == [len(lines)]
