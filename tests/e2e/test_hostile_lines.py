"""Lines that try a parser's patience, through a real service: each arrives once, as it is, and harms no other."""

from __future__ import annotations

from typing import TYPE_CHECKING

import orjson
import pytest

from tests.running import SOURCES, running

if TYPE_CHECKING:
    from pathlib import Path

KEYS = "{" + ",".join(f'"k{number}":{number}' for number in range(4_500)) + "}"
LINES = [
    KEYS,
    '{"a":' * 1_000 + "1" + "}" * 1_000,
    '{"level":"error","a":' + "[" * 90 + "]" * 90 + "}",
    '{"n":123456789012345678901234567890,"level":"warn"}',
    '{"n":1e400}',
    '{"n":-0.0,"time":99999999999999999999}',
    '{"text":"\\ud800 alone","level":"error"}',
    '{"text":"\\u0000\\u2028\\r\\n"}',
    '{"time":"0000-01-01T00:00:00Z","level":"info"}',
    '{"time":"9999-12-31T23:59:59-12:00","level":"info"}',
    '{"time":"2999-01-01T00:00:00Z","level":"info"}',
    "2026-11-01T10:00:00Z INFO plain in the middle",
    'level=error msg="logfmt in the middle" n=99999999999999999999',
    '192.0.2.7 - - [01/Nov/2026:10:00:00 +0000] "GET / HTTP/1.1" 999 18446744073709551616',
    "<191>Nov 31 99:99:99 host app[x]: no such time",
    '{"log":"{\\"log\\":\\"x\\",\\"stream\\":\\"stdout\\"}\\n","stream":"stderr","time":"2026-11-01T10:00:00Z"}',
    "\x1b[31mred\x1b[0m \x07 \x7f \x00 nul",
    "data: x\tid: 1\tevent: bye",
    "{" * 5_000,
    "=" * 5_000,
    "a=" * 5_000,
    "last",
]
QUERIES = [
    "n:>5",
    "a.a.a:*",
    "k4499:4499",
    "time:>=2999-01-01",
    "-level:>=warn n:*",
    "log:*",
    "status:999",
    "text:*alone*",
]


@pytest.mark.parametrize("form", ["auto", "json", "syslog", "docker-json", "logfmt"])
def test_every_line_arrives_once_and_unchanged_in_any_format(tmp_path: Path, form: str) -> None:
    source = SOURCES + f'format = "{form}"\n'
    with running(tmp_path, source) as service:
        with service.stream() as live:
            live.expect("ping")
            service.write("a.log", *LINES)
            seen = live.records(len(LINES))
        for shape in ("line", "batch"):
            with service.stream(from_="start", shape=shape) as stream:
                assert stream.records(len(LINES)) == seen
        counts = {query: len(service.get(f"/api/v1/records?q={query}").json()["records"]) for query in QUERIES}
        assert service.get("/api/v1/histogram?since=2026-11-01T00:00:00Z").json()["complete"]
        assert service.get("/api/v1/records?since=9999-01-01T00:00:00Z").status_code == 200
        service.stop()
        told = service.stderr

    assert [record["text"] for record in seen] == LINES
    assert "Traceback" not in told
    assert len({record["id"] for record in seen}) == len(LINES)
    if form == "auto":
        assert seen[0]["fields"] == orjson.loads(KEYS)
        assert seen[1]["fields"] is None
        assert seen[2]["fields"] is not None
        assert [record["level"] for record in seen[2:4]] == ["error", "warn"]
        assert seen[8]["time"] is None
        assert seen[9]["time"] == "9999-12-31T23:59:59-12:00"
        assert (counts["k4499:4499"], counts["time:>=2999-01-01"], counts["status:999"]) == (1, 2, 1)


def test_a_rule_that_masks_everything_leaves_nothing_but_masks(tmp_path: Path) -> None:
    rule = '[[rule]]\nname = "all"\nmatch = ".*"\nredact = true\n'
    with running(tmp_path, SOURCES + rule) as service:
        service.write("a.log", *LINES[2:4], "", "hunter2")
        service.wait_until_read("a.log")
        with service.stream(from_="start") as stream:
            seen = stream.records(4)

    assert [record["text"] for record in seen] == ["***", "***", "", "***"]
    assert [record["fields"] for record in seen] == [None] * 4
