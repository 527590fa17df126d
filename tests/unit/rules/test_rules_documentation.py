"""docs/rules.md says what rules do: each of its examples is put to them."""

from __future__ import annotations

import re
from typing import NamedTuple

import pytest

from logstream.api.frames import WireEncoder
from logstream.config import load
from logstream.hub.judged_block import JudgedBlock, SourceTraits
from logstream.journal.base import Block
from logstream.parts import rule_set
from logstream.records import Generation
from logstream.rules import PRESETS
from tests.installed import ROOT

PAGE = (ROOT / "docs" / "rules.md").read_text(encoding="utf-8")
EXAMPLE = re.compile(
    r"```toml\n(?P<rules>.*?)```\n\n\| line \| becomes \|\n\|---\|---\|\n(?P<rows>(?:\|[^\n]*\n)+)", re.DOTALL
)
ROW = re.compile(r"\| `(?P<line>[^`]+)` \| (?P<becomes>.*)\|")
SAID = re.compile(r"(text|event|level|rules) `([^`]*)`")


class Example(NamedTuple):
    rules: str
    line: str
    becomes: str


def examples() -> list[Example]:
    found = []
    for example in EXAMPLE.finditer(PAGE):
        for row in example["rows"].splitlines():
            cells = ROW.fullmatch(row)
            assert cells is not None, row
            found.append(Example(example["rules"], cells["line"], cells["becomes"].strip()))
    return found


@pytest.mark.parametrize("example", examples(), ids=lambda example: example.line)
def test_a_line_becomes_what_the_page_says(example: Example, tmp_path_factory: pytest.TempPathFactory) -> None:
    config = tmp_path_factory.mktemp("rules") / "config.toml"
    config.write_text(example.rules)
    generation = Generation("aaaaaaaa", "app", "/var/log/app.log")
    block = Block(generation, 0, 0, 0, b"", example.line.encode() + b"\n")
    judged = JudgedBlock(block, SourceTraits(), rule_set(load(config, {}).rules), WireEncoder())

    if example.becomes == "dropped":
        assert list(judged.kept) == []
        return
    assert list(judged.kept) == [0]
    said = dict(SAID.findall(example.becomes))
    record = judged.record(0)
    assert record.text == said.get("text", example.line)
    assert record.event == said.get("event", "line")
    assert record.rules == tuple(said.get("rules", "").split())
    if "level" in said:
        assert record.level is not None
        assert record.level.word == said["level"]


def test_the_page_has_examples_of_every_kind() -> None:
    assert {kind for example in examples() for kind, _ in SAID.findall(example.becomes)} == {
        "text",
        "event",
        "level",
        "rules",
    }
    assert any(example.becomes == "dropped" for example in examples())


def test_the_page_names_every_preset() -> None:
    assert set(re.findall(r"^\| `([a-z-]+)` \|", PAGE, flags=re.MULTILINE)) >= set(PRESETS)
