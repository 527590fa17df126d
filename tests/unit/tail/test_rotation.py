from __future__ import annotations

import pytest

from logstream.tail.rotation import (
    Sibling,
    base_names,
    is_compressed_name,
    is_named_newer,
    may_have_become,
    newer_than,
    oldest_first,
    rotated_name,
)


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
    ],
)
def test_names_of_one_scheme_tell_their_order(ordered: list[str]) -> None:
    siblings = [sibling(name, mtime_ns=index % 2) for index, name in enumerate(ordered)]
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
    ],
)  # fmt: skip
def test_rotation_moves_counts_on_and_leaves_other_names(before: str, after: str, *, may_be: bool) -> None:
    assert may_have_become(sibling(before).name, sibling(after).name) is may_be


def test_of_two_names_of_one_scheme_one_is_newer() -> None:
    assert is_named_newer(sibling("app.log.1").name, sibling("app.log.2.gz").name)
    assert not is_named_newer(sibling("app.log.2").name, sibling("app.log.2.gz").name)
    assert not is_named_newer(sibling("app.log.1").name, sibling("app.log-20261123").name)


def test_the_end_of_a_name_says_that_a_file_may_be_compressed() -> None:
    assert is_compressed_name("a.log.gz")
    assert is_compressed_name("a.zst")
    assert not is_compressed_name("gz.log")
