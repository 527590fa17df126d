"""The table, the Markdown and the JSON say the same, and none leaves out a peer that was not to be had."""

from __future__ import annotations

from typing import TYPE_CHECKING

import orjson

from bench.curve import Curve
from bench.measured import Bound, Measured, Target
from bench.report import Machine, Report, curve_table, markdown, report_in, table, write_json
from bench.rounds import Plan

if TYPE_CHECKING:
    from pathlib import Path

RESULTS = [
    Measured(
        "burst",
        "lines/s",
        "more",
        {"logstream line": [200.0, 400.0], "logstream batch": [300.0, 300.0], "tail | grep": [100.0, 100.0]},
        (Target("logstream line", (Bound(4.0, "tail | grep"),)), Target("logstream batch", (Bound(4.0, "frontail"),))),
        {"frontail": "not to be had: npm failed"},
    ),
    Measured("memory", "MB", "less", {"logstream": [250.0]}, (Target("logstream", (Bound(300.0),)),)),
]
BURST = ["burst (more is better)", "lines/s", "logstream line", "300", "tail | grep", "100", "3x", "2x", "4x"]
WITHOUT = ["lines/s", "logstream batch", "300", "frontail", "not measured", "-", "-", "-"]


def test_the_table_has_a_row_for_each_pair_and_each_missing_peer_with_its_reason() -> None:
    rows = [line.split("  ") for line in table(RESULTS).splitlines()]
    cells = [[cell.strip() for cell in row if cell.strip()] for row in rows[2:]]

    assert cells == [
        [*BURST, "not met: 3x tail | grep instead of >= 4x tail | grep"],
        ["lines/s", "logstream line", "300", "frontail", "not measured", "-", "-", "-", "not to be had: npm failed"],
        ["lines/s", "logstream batch", "300", "tail | grep", "100", "3x", "3x", "3x"],
        [*WITHOUT, "not measured: frontail has no figure (>= 4x frontail); not to be had: npm failed"],
        ["memory (less is better)", "MB", "logstream", "250", "-", "-", "-", "-", "-", "met: 250 MB (<= 300 MB)"],
    ]


def test_the_markdown_has_the_cells_of_the_table_and_no_stray_column() -> None:
    lines = markdown(RESULTS).splitlines()

    assert {line.replace("\\|", "").count("|") for line in lines} == {11}
    assert lines[2].startswith("| burst (more is better) | lines/s | logstream line | 300 | tail \\| grep | 100 | 3x |")


def test_the_results_are_made_again_from_the_json(tmp_path: Path) -> None:
    path = tmp_path / "result.json"
    curve = Curve("cost-per-line", "cost", "lines", "s", (1, 2, 4, 8), (1, 2, 4, 8))

    write_json(
        path, Plan(3, lines=10, is_full=False), Machine(2, 0.5), Report(RESULTS, [curve], {"scan": "it was too slow"})
    )

    told = orjson.loads(path.read_bytes())
    assert table(report_in(told).results) == table(RESULTS)
    assert curve_table(report_in(told).curves) == curve_table([curve])
    assert told["failures"] == {"scan": "it was too slow"}
    assert told["curves"][0]["exponent"] == 1.0
    assert told["results"][0]["verdicts"][0]["state"] == "not met"
