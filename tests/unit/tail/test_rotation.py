from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from logstream.tail import rotation
from logstream.tail.batch import Known
from logstream.tail.rotation import (
    Sibling,
    base_names,
    beginnings_of,
    is_compressed_name,
    is_named_newer,
    made_from,
    may_have_become,
    newer_than,
    older_lives,
    oldest_first,
    rotated_name,
    without_growing_counts,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from logstream.tail.rotation import Rotated


def sibling(name: str, mtime_ns: int = 0, base: str = "app.log") -> Sibling:
    rotated = rotated_name(base, name)
    assert rotated is not None
    return Sibling(f"/{name}", rotated, 1, hash(name), mtime_ns)


def names(siblings: list[Sibling]) -> list[str]:
    return [found.path.removeprefix("/") for found in siblings]


@pytest.mark.parametrize(
    "name",
    [
        "app.log.1", "app.log.27", "app.log-20261123", "app.log-20261123-1700", "app.log.2026-11-23", "app.log_1",
        "app.log.old", "app.log.bak", "app.log~", "app.1.log", "app-2026.log", "app-2026-11-23.log", "app.20261123.log",
        "app.log-2026112317.backup",
        "app.log.1.gz", "app.log.gz", "app-2026-11-23.log.xz", "app.log.2026-11-23T10:00:00+01",
    ],
)  # fmt: skip
def test_names_that_are_older_lives_of_app_log(name: str) -> None:
    assert rotated_name("app.log", name) is not None


@pytest.mark.parametrize(
    "name",
    ["app.log", "application.log", "app.log.d", "app2.log", "app.logs.1", "xapp.log.1", "app-debug.log", "app.log.1x",
     "app.log.backup",
     "app.log.", "app", "1", ".1"],
)  # fmt: skip
def test_a_name_of_another_form_is_no_older_life(name: str) -> None:
    assert rotated_name("app.log", name) is None


LABEL = "@400000006928fa0005f5e100"
ROTATORS = {
    "logrotate": ("app.log", "app.log.1", "app.log.2.gz", "app.log-20261128", "app.log-20261128.gz"),
    "logrotate, extension": ("app.log", "app-20261128.log", "app.1.log", "app.1.log.gz"),
    "logrotate, hourly": ("app.log", "app.log-2026112810", "app.log-20261128-10", "app.log-2026112810.backup"),
    "logrotate, dateformat": ("app.log", "app.log-28112026", "app.log-28-11-2026", "app.log-1796083200"),
    "logrotate, nginx": ("access.log", "access.log-20261128", "access.log.1", "access.log.2.gz"),
    "newsyslog": ("app.log", "app.log.0", "app.log.0.bz2", "app.log.20261128T000000.xz"),
    "savelog": ("app.log", "app.log.0", "app.log.1.gz", "app.log.20261128000000"),
    "rotatelogs": ("access.log", "access.log.1796083200", "access.log.2026-11-28-00_00_00"),
    "multilog": ("current", f"{LABEL}.s", f"{LABEL}.u", "previous"),
    "svlogd": ("current", f"{LABEL}.s", f"{LABEL}.u"),
    "s6-log": ("current", f"{LABEL}.s", f"{LABEL}.u", "previous"),
    "multilog, compressed by people": ("current", f"{LABEL}.s.gz", f"{LABEL}.gz"),
    "pm2-logrotate": ("out.log", "out__2026-11-28_00-00-00.log", "out__2026-11-28_00-00-00.log.gz"),
    "pm2-logrotate, dateFormat": (
        "out.log",
        "out__2026-11-28.log",
        "out__20261128.log",
        "out__2026-11-28T00:00:00Z.log",
    ),
    "pm2-logrotate, cluster": ("out-0.log", "out-0__2026-11-28_00-00-00.log"),
    "lumberjack": ("app.log", "app-2026-11-28T00-00-00.000.log", "app-2026-11-28T00-00-00.000.log.gz"),
    "timberjack": ("app.log", "app-2026-11-28T00-00-00.000-size.log", "app-2026-11-28T00-00-00.000-time.log.gz"),
    "loguru": ("app.log", "app.2026-11-28_00-00-00_000000.log", "app.2026-11-28_00-00-00_000000.log.gz"),
    "logging.handlers": ("app.log", "app.log.1", "app.log.2026-11-28", "app.log.2026-11-28_10-00-00"),
    "a stamp of RFC 3339": ("app.log", "app.log.2026-11-28T00:00:00Z", "app.log-2026-11-28T00:00:00.123+01:00.gz"),
    "a stamp of RFC 3339 within": ("app.log", "app-2026-11-28T00-00-00Z.log", "app.20261128T000000Z.log.gz"),
    "a stamp with a space": ("app.log", "app.log.2026-11-28 00:00:00", "app-2026-11-28 00:00:00.log"),
    "log4j": ("app.log", "app.log.1", "app.log.2026-11-28", "app.log.2026-11-28-10"),
    "log4j2": ("app.log", "app-2026-11-28-1.log.gz", "app-11-28-2026-1.log.gz", "app-1.log", "app.log.7"),
    "logback": ("app.log", "app.2026-11-28.log", "app.2026-11-28.0.log.gz", "app.1.log.zip"),
    "log4net": ("app.log", "app.log20261128", "app.log2026-11-28", "app.log.1"),
    "NLog": ("app.log", "app.20261128.log", "app.0.log"),
    "GlassFish": ("server.log", "server.log_2026-11-28T00-00-00"),
    "WebLogic": ("server.log", "server.log00001", "server.log00042"),
    "WebSphere": ("SystemOut.log", "SystemOut_26.11.28_00.00.00.log"),
    "winston-daily-rotate-file": ("app-2026-11-28.log", "app-2026-11-28.log.1", "app-2026-11-28.log.1.gz"),
    "winston-daily-rotate-file, a base": ("app.log", "app-2026-11-28.log.gz", "app-2026-11-28-10.log"),
    "Ruby's Logger": ("app.log", "app.log.0", "app.log.20261128"),
    "Docker": ("deadbeef-json.log", "deadbeef-json.log.1", "deadbeef-json.log.2.gz"),
    "kubelet": ("0.log", "0.log.20261128-000000", "0.log.20261128-000000.gz"),
    "a number in a log's own name": ("app-8080.log", "app-8080-2026-11-28.log", "app-8080.2026-11-28.0.log.gz"),
    "a number at the end of a log's name": ("worker-1", "worker-1.2026-11-28", "worker-1-20261128.gz"),
}


@pytest.mark.parametrize(
    ("log", "name"), [(names[0], name) for names in ROTATORS.values() for name in names[1:]], ids=str
)
def test_what_a_program_that_rotates_calls_older_files_is_known(log: str, name: str) -> None:
    assert rotated_name(log, name) is not None
    assert name.startswith(beginnings_of(log))


@pytest.mark.parametrize(
    ("log", "name"),
    [
        # Only a log called `current` is rotated to a label, and only whole labels are.
        ("currents", f"{LABEL}.s"), ("current.log", f"{LABEL}.s"), ("app.log", f"{LABEL}.s"), ("app.log", "previous"),
        ("current", "@foo"), ("current", "@"), ("current", "@4000.s"), ("current", f"{LABEL}0.s"),
        ("current", f"x{LABEL}.s"), ("current", LABEL[1:]), ("current", f"{LABEL.upper()}.s"),
        # What a processor is writing is not finished.
        ("current", f"{LABEL}.t"), ("current", "processed"), ("current", "state"), ("current", "lock"),
        ("current", "currents"), ("current", "previously"),
        # Two separators are no part of a log's own name only where a date follows.
        ("out.log", "out__backup.log"), ("out.log", "out__x.log"), ("out.log", "out__1.log"),
        ("out.log", "out__x__1.log"),
        ("out.log", "out__x__2026-11-28.log"), ("out.log", "out___2026-11-28.log"),
        # A port, or the number of a process, is no count.
        ("app.log", "app-8080.log"), ("app.log", "app_27017.log"), ("app.log", "app-8080.log.gz"),
        # A log with a number in its name is rotated like others.
        ("app.log", "app-8080-2026-11-28.log"), ("app.log", "app-1.2026-11-28.log.gz"),
        ("out.log", "out-0__2026-11-28.log"),
        ("app.log", "app-2026-11-28TZ.log"), ("app.log", "app.log.1Z"), ("app.log", "app.logZ"),
        ("app.log", "app-2026-11-28-debug.log"), ("app.log", "app.log2"), ("app.log", "app.log2026"),
        ("app", "app20261128"),
        # Logs that are written to under a name like this from their beginning on: without a file that keeps its name
        # (Serilog; java.util.logging, whose 0 is the newest; glog, whose link leads on).
        ("app.log", "app20261128.log"), ("app0.log", "app1.log"), ("app.log.0", "app.log.1"),
        ("app.INFO", "app.host.user.log.INFO.20261128-000000.1"), ("app_rCURRENT.log", "app_r00001.log"),
    ],
)  # fmt: skip
def test_a_name_that_is_like_those_is_none(log: str, name: str) -> None:
    assert rotated_name(log, name) is None


def test_a_separator_may_be_the_end_of_a_log_s_own_name() -> None:
    assert {base for base, _ in base_names("out__2026-11-28.log")} == {"out.log", "out_.log"}
    assert {base for base, _ in base_names("out__2026-11-28")} == {"out", "out_"}


def test_one_name_can_be_an_older_life_of_several() -> None:
    assert {base for base, _ in base_names("app.log.2.gz")} == {"app.log.2", "app.log"}
    assert {base for base, _ in base_names("server-1.log.2")} == {"server-1.log"}
    assert list(base_names("messages")) == []


@pytest.mark.parametrize(
    "ordered",
    [
        ["app.log.10", "app.log.9", "app.log.2", "app.log.1"],
        ["app.log-20251231", "app.log-20261122", "app.log-20261123", "app.log-20261123.1"],
        ["app-2026-09-30.log", "app-2026-11-09.log", "app-2026-11-23.log"],
        ["app.3.log", "app.2.log", "app.1.log"],
        ["app.log.2026-11-28T09:59:59Z", "app.log.2026-11-28T10:00:00Z", "app.log.2026-11-28T10:00:00.5Z"],
        ["app.log.2026-10-25T02:30:00+02:00", "app.log.2026-10-25T02:15:00+01:00"],
        ["app-2026-11-28T09-59-59.999.log", "app-2026-11-28T10-00-00.000-size.log"],
        ["app__2026-11-28_23-59-59.log", "app__2026-11-29_00-00-00.log.gz", "app__2026-11-29_00-00-01.log"],
        ["app-12-31-2026-1.log.gz", "app-01-01-2027-1.log.gz"],
    ],
)
def test_names_of_one_scheme_tell_their_order(ordered: list[str]) -> None:
    siblings = [sibling(name, mtime_ns=index % 2) for index, name in enumerate(ordered)]
    assert names(oldest_first(reversed(siblings))) == ordered


def test_labels_tell_their_order_and_what_has_none_yet_is_the_newest() -> None:
    ordered = [
        "@400000006928f9ffffffffff.s",
        "@400000006928fa0000000000.u",
        "@400000006928fa000000000a.s.gz",
        "previous",
    ]
    siblings = [sibling(name, mtime_ns=index % 2, base="current") for index, name in enumerate(ordered)]
    assert names(oldest_first(reversed(siblings))) == ordered


def test_where_the_day_or_the_month_comes_first_times_tell() -> None:
    ordered = ["app.log-30-11-2026", "app.log-01-12-2026", "app.log-02-12-2026"]
    siblings = [sibling(name, mtime_ns=index) for index, name in enumerate(ordered)]
    assert names(oldest_first(reversed(siblings))) == ordered
    assert names(newer_than(siblings, siblings[0], None)) == ordered
    assert names(newer_than(siblings, siblings[1], None)) == ordered[1:]


def test_counts_that_grow_with_the_times_of_the_files_tell_nothing_and_others_do() -> None:
    """log4j2 counts up, and moves counts down once there are as many files as it keeps."""
    grown = [sibling(f"app-{number}.log", mtime_ns=number) for number in (1, 2, 3, 10)]
    assert names(oldest_first(without_growing_counts(grown, 10))) == [f"app-{number}.log" for number in (1, 2, 3, 10)]
    assert names(newer_than(without_growing_counts(grown, 10)[2:], grown[1], 2)) == ["app-3.log", "app-10.log"]
    for times in ([4, 3, 2, 1], [1, 2, 4, 3], [2, 1, 3, 4], [1, 2, 2, 3], [5, 5, 5, 5]):
        others = [sibling(f"app-{number}.log", time) for number, time in zip((1, 2, 3, 4), times, strict=True)]
        assert without_growing_counts(others, None) == others
    mixed = [sibling("app-1.log", 1), sibling("app.log.2", 2)]
    assert without_growing_counts(mixed, None) == mixed
    assert without_growing_counts(grown[:1], None) == grown[:1]


def test_a_rotated_file_that_was_written_after_the_live_one_has_got_late_lines_and_its_count_tells_its_age() -> None:
    late = [sibling("app.log.1.gz", 3), sibling("app.log.3", 5)]
    assert names(oldest_first(without_growing_counts(late, 4))) == ["app.log.3", "app.log.1.gz"]
    assert names(oldest_first(without_growing_counts(late, 6))) == ["app.log.1.gz", "app.log.3"]


def test_of_a_rotated_file_that_was_written_in_the_same_tick_as_the_live_one_the_place_of_its_count_tells() -> None:
    """Torture, seed 174456754."""
    assert names(oldest_first(without_growing_counts([sibling("app.log.1", 3), sibling("app.log.2", 5)], 5))) == [
        "app.log.2",
        "app.log.1",
    ]
    for grown in (["app-1.log", "app-2.log"], ["app.log.1", "app.log.2.gz"]):
        found = [sibling(grown[0], 3), sibling(grown[1], 5)]
        assert names(oldest_first(without_growing_counts(found, 5))) == grown


def test_numbers_that_begin_anew_tell_nothing() -> None:
    ordered = ["app.log99998", "app.log99999", "app.log00001"]
    siblings = [sibling(name, mtime_ns=index) for index, name in enumerate(ordered)]
    assert names(oldest_first(reversed(siblings))) == ordered


def test_names_of_several_schemes_are_ordered_by_their_last_write() -> None:
    siblings = [sibling("app.log.1", 3), sibling("app.log-20261123", 1), sibling("app.log.old", 2)]
    assert names(oldest_first(siblings)) == ["app.log-20261123", "app.log.old", "app.log.1"]


def test_what_is_newer_than_the_last_known_life_goes_by_name_where_names_tell() -> None:
    siblings = [sibling(f"app.log.{number}", mtime_ns=100) for number in (4, 2, 1)]
    last = sibling("app.log.3", mtime_ns=500)
    assert names(newer_than(siblings, last, None)) == ["app.log.2", "app.log.1"]


def test_what_is_newer_goes_by_time_where_names_do_not_tell() -> None:
    siblings = [sibling("app.log.1", 20), sibling("app.log.2", 10)]
    assert names(newer_than(siblings, None, 15)) == ["app.log.1"]
    assert names(newer_than(siblings, sibling("app.log-20261123", 5), 15)) == ["app.log.2", "app.log.1"]
    assert names(newer_than(siblings, None, None)) == ["app.log.2", "app.log.1"]


@pytest.mark.parametrize(
    ("before", "after", "may_be"),
    [
        ("app.log.2", "app.log.2.gz", True), ("app.log.2", "app.log.12.gz", True), ("app.log.2", "app.log.1.gz", False),
        ("app.2.log", "app.3.log.gz", True), ("app.3.log", "app.2.log.gz", False),
        ("app.log-20261123", "app.log-20261123.gz", True), ("app.log-20261123", "app.log-20261124.gz", False),
        ("app.log-20261124", "app.log-20261123.gz", False), ("app.log.old", "app.log.old.gz", True),
        ("app.log.1", "app.log-20261123.gz", True),
        ("app.log-23-11-2026", "app.log-23-11-2026.gz", True), ("app.log-23-11-2026", "app.log-24-11-2026.gz", False),
        ("app.log-2026-11-23T10:00:00Z", "app.log-2026-11-23T10:00:00Z.gz", True),
    ],
)  # fmt: skip
def test_rotation_moves_counts_on_and_leaves_other_names(before: str, after: str, *, may_be: bool) -> None:
    assert may_have_become(sibling(before).name, sibling(after).name) is may_be


def test_what_has_no_label_yet_gets_any_and_keeps_it() -> None:
    previous, unprocessed, finished, other = (
        sibling(name, base="current").name for name in ("previous", f"{LABEL}.u", f"{LABEL}.s", f"{LABEL[:-1]}1.s")
    )
    assert may_have_become(previous, finished)
    assert may_have_become(unprocessed, finished)
    assert not may_have_become(unprocessed, other)


def test_what_is_made_from_another_file_says_so() -> None:
    assert made_from("/a/app.log.1.gz") == "/a/app.log.1"
    assert made_from("/a/app.log.1") is None
    assert made_from(f"/a/{LABEL}.s") == f"/a/{LABEL}.u"
    assert made_from(f"/a/{LABEL}.u") is None
    assert made_from(f"/a/x{LABEL}.s") is None


def test_of_two_names_of_one_scheme_one_is_newer() -> None:
    assert is_named_newer(sibling("app.log.1").name, sibling("app.log.2.gz").name)
    assert not is_named_newer(sibling("app.log.2").name, sibling("app.log.2.gz").name)
    assert not is_named_newer(sibling("app.log.1").name, sibling("app.log-20261123").name)


def test_the_end_of_a_name_says_that_a_file_may_be_compressed() -> None:
    assert is_compressed_name("a.log.gz")
    assert is_compressed_name("a.zst")
    assert not is_compressed_name("gz.log")


def test_of_thousands_of_lives_only_names_that_begin_as_the_log_does_are_taken_apart(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    taken_apart, split = list[str](), rotation.base_names

    def noting(name: str) -> Iterator[tuple[str, Rotated]]:
        taken_apart.append(name)
        return split(name)

    monkeypatch.setattr(rotation, "base_names", noting)
    others = [f"/logs/{number}.log" for number in range(1_000)]
    own = ["/logs/app.log", "/logs/app-20261128.log", "/logs//app.log.1", "/logs/current", "/logs/@4000.s"]
    lives = [Known(name, "app", name, name, 1, 2, None, 0, 0, 0, 0, 0, 0, sealed=True) for name in [*others, *own]]
    assert [life.file for life in older_lives(lives, {"/logs/app.log"})] == own[:3]
    assert len(taken_apart) == 2
