"""The command runs what it is asked for, goes on after a failure and says so, and keeps every figure."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import orjson
import pytest

from bench import __main__ as command
from bench.curve import Curve
from bench.errors import BenchError
from bench.measured import Measured

if TYPE_CHECKING:
    from pathlib import Path

    from bench.rounds import Plan

FOUND = Measured("what", "ms", "less", {"logstream line": [1.0], "peer": [2.0]})
CURVE = Curve("cost-of-lines", "A burst", "lines", "s", (1, 2, 4, 8), (1, 2, 4, 8))


def failing(_plan: Plan) -> list[Measured]:
    message = "a line is missing"
    raise BenchError(message)


@pytest.fixture(autouse=True)
def few_benchmarks(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(
        command,
        "BENCHMARKS",
        {"bad": (failing, "fails"), "good": (lambda _: [FOUND], "measures"), "curves": (lambda _: [CURVE], "grows")},
    )
    monkeypatch.setattr(command, "_PICTURES", tmp_path / "pictures")
    monkeypatch.setattr(command, "_prepare", lambda: None)


def run(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    monkeypatch.setattr(sys, "argv", ["bench", *arguments])
    return command.main()


def test_a_benchmark_that_fails_does_not_take_the_others_with_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "result.json"

    assert run(monkeypatch, "--json", str(path)) == 1

    out = capsys.readouterr().out
    assert "bad was not completed: a line is missing" in out
    assert "0.5x" in out
    told = orjson.loads(path.read_bytes())
    assert told["failures"] == {"bad": "a line is missing"}
    assert [one["what"] for one in told["results"]] == ["what"]


def test_only_what_is_named_runs(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(monkeypatch, "--only", "good,curves") == 0
    assert "bad" not in capsys.readouterr().err


def test_an_unknown_name_is_refused_with_those_there_are(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        run(monkeypatch, "--only", "good,scam")

    assert "no benchmark is called scam; there are bad, good, curves" in capsys.readouterr().err


def test_the_tables_and_pictures_of_an_earlier_run_are_made_without_measuring(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path, tables = tmp_path / "result.json", tmp_path / "result.md"
    run(monkeypatch, "--only", "good,curves", "--json", str(path), "--markdown", str(tables))
    capsys.readouterr()

    assert run(monkeypatch, "--draw", str(path)) == 0

    assert capsys.readouterr().out == tables.read_text()
    assert "grows with the power 1.00" in (tmp_path / "pictures" / "cost-of-lines.svg").read_text()
