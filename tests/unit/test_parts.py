"""What the parts of the service get of the settings."""

from __future__ import annotations

import os
import subprocess
import sys
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from logstream.config import RuleSettings, SourceSettings
from logstream.parts import files_to_hold, rule_set, specs_of, traits_of
from logstream.records import Level
from tests.known_lines import KnownLines

if TYPE_CHECKING:
    from logstream.rules import RuleSet


def source(name: str, **settings: object) -> SourceSettings:
    return SourceSettings.model_validate({"name": name, "paths": (f"/logs/{name}/*.log",), **settings})


@pytest.mark.parametrize(
    ("limit", "max_connections", "held"),
    [(100, 1_000, 25), (1_024, 1_000, 64), (20_000, 1_000, 18_744), (1_000_000, 1_000, 65_536)],
)
def test_the_tail_holds_the_files_that_clients_leave_it(limit: int, max_connections: int, held: int) -> None:
    assert files_to_hold(limit, max_connections) == held


def test_the_limit_of_open_files_is_raised_as_far_as_it_may_be() -> None:
    script = (
        "import resource; from logstream.parts import raise_file_limit;"
        "resource.setrlimit(resource.RLIMIT_NOFILE, (300, 700)); raise_file_limit();"
        "print(raise_file_limit(), resource.getrlimit(resource.RLIMIT_NOFILE))"
    )
    told = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout

    assert told == "700 (700, 700)\n"


def test_the_tail_gets_what_it_needs_of_each_source() -> None:
    one, two = specs_of(
        [source("one"), source("two", exclude=("*.gz",), start="end", max_line_bytes=300, encoding="latin-1")]
    )

    assert (one.name, one.paths, one.exclude, one.start) == ("one", ("/logs/one/*.log",), (), "start")
    assert (two.exclude, two.start, two.max_line_bytes, two.encoding) == (("*.gz",), "end", 300, "iso8859-1")


def test_the_hub_gets_what_it_needs_of_each_source() -> None:
    traits = traits_of([source("one"), source("two", format="json", max_line_bytes=300, encoding="latin-1")])

    assert list(traits) == ["one", "two"]
    assert (traits["one"].encoding, traits["one"].format, traits["one"].max_line_bytes) == ("utf-8", "auto", 65_536)
    assert (traits["two"].encoding, traits["two"].format, traits["two"].max_line_bytes) == ("iso8859-1", "json", 300)


@pytest.mark.parametrize(
    ("named", "summer", "winter"),
    [
        ("Europe/Berlin", 120, 60),
        (":Europe/Berlin", 120, 60),
        ("/usr/share/zoneinfo/Asia/Kathmandu", 345, 345),
        ("UTC", 0, 0),
    ],
)
def test_times_without_an_offset_are_in_the_zone_that_the_environment_names(
    monkeypatch: pytest.MonkeyPatch, named: str, summer: int, winter: int
) -> None:
    monkeypatch.setenv("TZ", named)
    zone = traits_of([source("one")])["one"].zone

    assert zone.utcoffset(datetime(2026, 7, 1)) == timedelta(minutes=summer)  # noqa: DTZ001 - of a local time
    assert zone.utcoffset(datetime(2026, 12, 1)) == timedelta(minutes=winter)  # noqa: DTZ001 - as above


@pytest.mark.parametrize(("named", "minutes"), [("XYZ-5:30", 330), ("Nowhere/Land", 0), ("", 0)])
def test_a_zone_by_rule_is_what_the_system_makes_of_it(named: str, minutes: int) -> None:
    script = "from logstream.parts import local_zone; print(local_zone().utcoffset(None).total_seconds() // 60)"
    environ = {**os.environ, "TZ": named}
    told = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, env=environ)

    assert float(told.stdout) == minutes


def judged(rules: RuleSet, *lines: str, name: str = "app") -> list[tuple[str, str | None, Level | None]]:
    text = "\n".join(lines).encode()
    ends = [len("\n".join(lines[: index + 1]).encode()) for index in range(len(lines))]
    verdicts = rules.judge(text, ends, source=name, facts=KnownLines(lambda _: Level.WARN))
    tags = [verdicts.tags.get(index) for index in verdicts.kept]
    return [
        (lines[index], tag and tag.event, tag and tag.level) for index, tag in zip(verdicts.kept, tags, strict=True)
    ]


def test_configured_rules_do_what_they_say() -> None:
    configured = [
        {"name": "quiet", "match": "noise", "action": "drop", "source": "app"},
        {"name": "loud", "match": "boom", "event": "bang", "set_level": "fatal", "level": ">=warn"},
        {"name": "never", "match": "boom", "event": "never", "level": ">=error"},
    ]
    rules = rule_set([RuleSettings.model_validate(rule) for rule in configured])

    assert judged(rules, "noise", "boom", "plain") == [("boom", "bang", Level.FATAL), ("plain", None, None)]
    assert judged(rules, "noise", name="web") == [("noise", None, None)]


def test_no_rules_are_a_rule_set_too() -> None:
    assert judged(rule_set([]), "one") == [("one", None, None)]
