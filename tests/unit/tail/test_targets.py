from __future__ import annotations

import pytest

from logstream.tail.targets import is_led_to_between, is_pod_log, pod_logs_among, pod_target_of, target_of

GLOG = "app.host1.root.log.INFO.20261128-{:06d}.{}"
NOBODY_KNOWS = None


def between(former: str | None, present: str, *names: str) -> list[str]:
    now, before = target_of(present), None if former is None else target_of(former)
    assert now is not None
    return [name for name in names if (one := target_of(name)) is not None and is_led_to_between(one, before, now)]


@pytest.mark.parametrize("former", [GLOG.format(100_000, 31), NOBODY_KNOWS])
def test_what_a_program_began_between_two_files_has_a_time_between_theirs(former: str | None) -> None:
    led_to = [GLOG.format(100_001, 4_000_000), GLOG.format(101_500, 9), GLOG.format(113_000, 8)]
    later = [GLOG.format(113_001, 40), "app.host1.root.log.INFO.20261129-000000.1"]
    assert between(former, GLOG.format(113_000, 33), *led_to, *later) == led_to


def test_what_was_begun_before_the_file_that_was_read_is_older() -> None:
    assert between(GLOG.format(100_000, 31), GLOG.format(113_000, 33), GLOG.format(95_959, 32)) == []


@pytest.mark.parametrize("former", [GLOG.format(100_000, 31), NOBODY_KNOWS])
@pytest.mark.parametrize(
    "name",
    [
        "app.host1.root.log.WARNING.20261128-110000.32", "app.host2.root.log.INFO.20261128-110000.32",
        "app.host1.www.log.INFO.20261128-110000.32", "app2.host1.root.log.INFO.20261128-110000.32",
        "app.host1.root.log.INFO.20261128-110000.32.1", "app.host1.root.log.INFO.20261128-110000.32~",
        "app.host1.root.log.INFO.20261128-110000", "app.host1.root.log.INFO.20261128-1100.32", "app.INFO",
    ],
)  # fmt: skip
def test_a_name_of_another_program_host_or_severity_is_another_log_s(former: str | None, name: str) -> None:
    assert between(former, GLOG.format(113_000, 33), name) == []


def test_a_number_that_both_ends_have_is_a_writer_s() -> None:
    names = ["app-20261128-110000.7", "app-20261128-110000.8"]
    assert between("app-20261128-100000.7", "app-20261128-120000.7", *names) == names[:1]
    assert between("app-20261128-100000.7", "app-20261128-120000.9", *names) == names


@pytest.mark.parametrize("former", ["web-2026-11-26.log", NOBODY_KNOWS])
def test_files_of_days_are_between_by_their_days_and_of_one_writer(former: str | None) -> None:
    names = ["web-2026-11-27.log", "web-2026-11-28.log"]
    others = ["web-2026-11-27.2.log", "web-1-2026-11-27.log", "web-2026-11-27.log.1", "web-2026-11-27.txt"]
    assert between(former, "web-2026-11-29.log", *names, *others, "web-2026-11-29.log", "web-2026-11-30.log") == names


def test_a_writer_s_number_beside_a_day_that_changes_tells_nothing() -> None:
    assert between("web.1.20261126.log", "web.2.20261128.log", "web.1.20261127.log", "web.2.20261127.log") == []


@pytest.mark.parametrize(
    "names",
    [
        ["a.2026112809", "a.2026112810", "a.2026112909"],
        ["a-2026-11-28-09.log", "a-2026-11-28-10.log", "a-2026-11-29-09.log"],
        ["a-2026-11-28T09.log", "a-2026-11-28T10.log", "a-2026-11-29T09.log"],
        ["a_2026-11-28_09-10-11.log", "a_2026-11-28_10-00-00.log", "a_2026-11-29_09-10-11.log"],
        ["a.202611280910", "a.202611281000", "a.202611290910"],
        ["2026.11.28", "2026.11.29", "2026.12.28"],
        ["a.1795685528.log", "a.1795685529.log", "a.1795700000.log"],
        ["a.1795685528001.log", "a.1795685528002.log", "a.1795700000001.log"],
    ],
)
def test_stamps_of_all_forms_are_times(names: list[str]) -> None:
    former, one, present = names
    assert between(former, present, *names) == [one]
    assert between(NOBODY_KNOWS, present, one) == [one]


@pytest.mark.parametrize("name", ["app.2", "run-0042.log", "app.INFO", "app-20269999.log", "20261128-to-20261129.log"])
def test_a_name_with_no_date_or_two_tells_nothing(name: str) -> None:
    assert target_of(name) is None


@pytest.mark.parametrize("former", [GLOG.format(100_000, 31), NOBODY_KNOWS])
def test_an_archive_of_either_end_is_not_between_them(former: str | None) -> None:
    ends = [GLOG.format(113_000, 33), *([former] if former else [])]
    assert between(former, GLOG.format(113_000, 33), *ends) == []


def test_a_link_that_was_led_back_tells_nothing() -> None:
    assert between(GLOG.format(113_000, 33), GLOG.format(100_000, 31), GLOG.format(110_000, 32)) == []


@pytest.mark.parametrize(
    ("former", "names"),
    [
        ("0.log.20261129-030058", ["0.log.20261129-040058", "0.log", "9.log.20261129-050058", "9.log"]),
        ("0.log", ["9.log.20261129-050058", "9.log"]),
        ("9.log", []),
        ("10.log.20261129-060058", []),
        (NOBODY_KNOWS, ["0.log.20261129-030058", "0.log.20261129-040058", "0.log", "9.log.20261129-050058", "9.log"]),
    ],
)
def test_a_container_s_starts_before_the_last_one_are_between_with_what_was_rotated_of_them(
    former: str | None, names: list[str]
) -> None:
    everything = ["0.log.20261129-030058", "0.log.20261129-040058", "0.log", "9.log.20261129-050058", "9.log"]
    everything += ["10.log.20261129-060058", "10.log.20261129-070058", "11.log"]
    before, present = None if former is None else pod_target_of(former), pod_target_of("10.log")
    assert present is not None
    targets = {name: target for name in everything if (target := pod_target_of(name)) is not None}
    assert sorted(targets, key=lambda name: targets[name].stamp) == everything
    assert [name for name, one in targets.items() if is_led_to_between(one, before, present)] == names


def test_nothing_else_is_the_log_of_a_container_s_start() -> None:
    others = ["0.log.20261129-030058.tmp", "0.log.1", "web.log", "0.log2", "a0.log", "0.log.20261129"]
    assert [name for name in others if pod_target_of(name) is not None] == []
    assert pod_logs_among(["0.log", "12.log.20261129-030058.gz", "web.log"]) == {"0.log", "12.log"}


@pytest.mark.parametrize(
    ("path", "is_one"),
    [
        ("/var/log/pods/shop_web-1_0f3a-41/web/0.log", True),
        ("/var/log/pods/shop_web-1_0f3a-41/web/12.log", True),
        ("/var/log/pods/shop_web-1_0f3a-41/web/app.log", False),
        ("/var/log/workers/web/2.log", False),
        ("/var/log/pods/web/2.log", False),
    ],
)
def test_where_kubelet_has_them_is_known_by_the_directories(path: str, *, is_one: bool) -> None:
    assert is_pod_log(path) is is_one
