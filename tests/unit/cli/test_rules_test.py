"""`logstream rules test`: what each rule would do, told before it is trusted."""

from __future__ import annotations

import io
import sys
from pathlib import Path

import orjson
import pytest

from logstream.cli import main

CONFIG = """
[[source]]
name = "web"
paths = ["web*.log"]

[[source]]
name = "app"
paths = ["app.log"]

[[rule]]
name = "probe"
match = 'healthz.* 5\\d\\d'
action = "keep"

[[rule]]
name = "quiet"
match = "healthz"
action = "drop"

[[rule]]
name = "secret"
match = 'token=(\\w+)'
redact = true

[[rule]]
name = "slow"
source = "app"
where = "took:>1s"
event = "slow"
set_level = "warn"

[[rule]]
name = "never"
match = "xyzzy"
"""
LINES = ["GET /healthz 200", "GET /healthz 503", "token=hunter2 ok", '{"took":"1500ms"}', "ERROR boom", "  at x.y"]


@pytest.fixture(autouse=True)
def _in_directory_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("config.toml").write_text(CONFIG)
    Path("app.log").write_text("".join(f"{line}\n" for line in LINES))


def told(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    assert main(["rules", "test", *arguments]) == 0
    return capsys.readouterr().out


def test_each_rule_is_told_with_its_hits_decisions_and_samples(capsys: pytest.CaptureFixture[str]) -> None:
    assert told(capsys, "app.log").split("\n\n") == [
        "6 lines of source app, 1 dropped",
        "probe (keep): 1 of 6, decided 1\n  | GET /healthz 503",
        "quiet (drop): 2 of 6, decided 1\n  | GET /healthz 200\n  | GET /healthz 503",
        "secret (tag): 1 of 6\n  | token=*** ok",
        'slow (tag): 1 of 5\n  | {"took":"1500ms"}',
        "never (tag): 0 of 5\n",
    ]


def test_each_line_is_shown_with_what_became_of_it_and_who_decided(capsys: pytest.CaptureFixture[str]) -> None:
    assert told(capsys, "app.log", "--lines").splitlines() == [
        "1: drop by quiet: GET /healthz 200",
        "2: keep by probe; rules probe,quiet: GET /healthz 503",
        "3: rules secret: token=*** ok",
        '4: event slow; level warn; rules slow: {"took":"1500ms"}',
        "5: level error: ERROR boom",
        "6: level error:   at x.y",
    ]


def test_each_line_that_a_rule_decides_about_is_counted(capsys: pytest.CaptureFixture[str]) -> None:
    Path("app.log").write_text("GET /healthz 200\n" * 40 + "GET /healthz 500\n" * 30)
    whole = orjson.loads(told(capsys, "app.log", "--format", "json"))

    assert [(rule["name"], rule["decided"]) for rule in whole["rules"]][:2] == [("probe", 30), ("quiet", 40)]


def test_programs_get_json(capsys: pytest.CaptureFixture[str]) -> None:
    whole = orjson.loads(told(capsys, "app.log", "--format", "json"))
    assert (whole["source"], whole["lines"], whole["dropped"]) == ("app", 6, 1)
    assert [(rule["name"], rule["hits"], rule["decided"]) for rule in whole["rules"]] == [
        ("probe", 1, 1),
        ("quiet", 2, 1),
        ("secret", 1, 0),
        ("slow", 1, 0),
        ("never", 0, 0),
    ]
    lines = [orjson.loads(line) for line in told(capsys, "app.log", "--format", "json", "--lines").splitlines()]
    assert [(line["line"], line["kept"], line["decided"]) for line in lines][:3] == [
        (1, False, "quiet"),
        (2, True, "probe"),
        (3, True, None),
    ]
    assert "hunter2" not in str(lines)


def test_stdin_is_read_as_the_source_that_is_named(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    stdin = io.TextIOWrapper(io.BytesIO(b'{"took":"2s"}\nno line end'))
    monkeypatch.setattr(sys, "stdin", stdin)
    whole = orjson.loads(told(capsys, "-", "--source", "app", "--format", "json"))

    assert whole["lines"] == 2
    assert [rule["hits"] for rule in whole["rules"] if rule["name"] == "slow"] == [1]


def test_a_rule_that_never_fires_is_pointed_out_and_one_is_as_dear_as_many_lines_say(
    capsys: pytest.CaptureFixture[str],
) -> None:
    Path("web1.log").write_text("line\n" * 5_000)
    found = told(capsys, "web1.log")

    assert found.startswith("5000 lines of source web, 0 dropped")
    assert "note: never fired in 5,000 lines: does it still fit?" in found
    assert "ns a line" in found


def test_a_trace_is_judged_with_its_first_line_across_blocks(capsys: pytest.CaptureFixture[str]) -> None:
    trace = "GET /healthz 200 boom\n" + "  at com.example.Some.method(Some.java:1)\n" * 3_000
    Path("app.log").write_text(trace)

    assert told(capsys, "app.log").startswith("3001 lines of source app, 3001 dropped")


@pytest.mark.parametrize(
    "sources", ["", '[[source]]\nname = "a"\npaths = ["a"]\n[[source]]\nname = "b"\npaths = ["b"]\n']
)
def test_a_file_of_no_source_is_tried_where_no_rule_asks_for_one(
    capsys: pytest.CaptureFixture[str], sources: str
) -> None:
    Path("rules.toml").write_text(sources + '[[rule]]\nname = "r"\nmatch = "boom"\n')

    assert "r (tag): 1 of 6" in told(capsys, "app.log", "--config", "rules.toml")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (
            ["other.log"],
            "no source of the configuration has other.log, and rules ask for one; name it with --source: web, app",
        ),
        (["app.log", "--source", "x"], "there is no source 'x'; there are: web, app"),
        (["missing.log"], "'missing.log' does not exist"),
        (["app.log", "--config", "none.toml"], "none.toml: no such file"),
    ],
)
def test_wrong_usage_exits_2_with_words(arguments: list[str], words: str, capsys: pytest.CaptureFixture[str]) -> None:
    Path("other.log").touch()
    assert main(["rules", "test", *arguments]) == 2
    assert words in capsys.readouterr().err
