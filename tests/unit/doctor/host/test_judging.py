"""What is concluded where no machine can be made to show it: the kernel's limits, a full disk, the clock."""

from __future__ import annotations

from typing import Any

import pytest

from logstream.doctor.findings import Finding, Severity
from logstream.doctor.host.judging import judge_host
from logstream.doctor.host.logrotate import Entry, Mode
from logstream.doctor.host.seen import Account, Barred, Clock, Config, Disk, GlobSeen, HostSeen, Inotify, State
from logstream.doctor.host.units import Unit, parse_unit

CONFIG = Config("c.toml", sources=1, rules=0)
ME = Account("alice", 1000, (1000,))
IT = Account("logstream", 65519, (65519, 4), ("adm",))
GIB = 1024**3
FILE = "/var/log/app/a.log"


def findings(**seen: Any) -> list[Finding]:  # noqa: ANN401 - each of its own type
    facts: dict[str, Any] = {"config": CONFIG, "account": ME, "versions": {"logstream": "2"}, **seen}
    found = judge_host(HostSeen(**facts))
    return [finding for finding in found if finding.severity is not Severity.OK]


def faults(**seen: Any) -> list[tuple[str, str]]:  # noqa: ANN401 - as above
    return [(finding.severity, finding.check) for finding in findings(**seen)]


def glob(*barred: Barred, files: tuple[str, ...] = (FILE,)) -> tuple[GlobSeen, ...]:
    return (GlobSeen("app", "/var/log/app/*.log", "/var/log/app", files, barred),)


@pytest.mark.parametrize(
    ("inotify", "expected"),
    [
        (Inotify(100, 128, 0, 100), []),
        (Inotify(100, 128, 0, 101), ["max_user_watches = 65536"]),
        (Inotify(65_536, 128, 0, 65_537), ["max_user_watches = 131074"]),
        (Inotify(100, 128, 126, 1), []),
        (Inotify(100, 128, 127, 1), ["max_user_instances = 512"]),
        (Inotify(1, 2, 2, 9), ["max_user_watches", "max_user_instances"]),
    ],
)
def test_what_the_kernel_does_not_grant_is_told_with_the_line_that_does(inotify: Inotify, expected: list[str]) -> None:
    found = findings(inotify=inotify)
    assert all(finding.check == "inotify" and finding.severity is Severity.WARNING for finding in found)
    assert len(found) == len(expected)
    assert all(words in finding.remedy for words, finding in zip(expected, found, strict=True))


def test_instances_of_the_service_that_runs_are_not_asked_for_twice() -> None:
    running = State("/s", is_there=True, is_writable=True, size_bytes=0, holder=7)
    assert faults(inotify=Inotify(100, 128, 128, 1), state=running) == []


@pytest.mark.parametrize(
    ("disk", "expected"),
    [
        (Disk(50 * GIB, 100 * GIB, 900, 1000), []),
        (Disk(GIB - 1, 100 * GIB, 900, 1000), [("warning", "disk")]),
        (Disk(GIB // 2, 4 * GIB, 900, 1000), []),
        (Disk(GIB // 32, 100 * GIB, 900, 1000), [("error", "disk")]),
        (Disk(50 * GIB, 100 * GIB, 1, 1000), [("error", "disk")]),
        (Disk(50 * GIB, 100 * GIB, 0, 0), []),  # Btrfs counts no inodes
    ],
)
def test_a_disk_that_fills_is_told_before_and_after(disk: Disk, expected: list[tuple[str, str]]) -> None:
    assert faults(disk=disk) == expected


def test_a_clock_that_nobody_keeps_and_a_file_from_the_future_are_told() -> None:
    assert faults(clock=Clock(is_synchronised=True)) == faults(clock=Clock(None)) == []
    assert faults(clock=Clock(is_synchronised=False)) == [("warning", "clock")]
    assert faults(clock=Clock(is_synchronised=True, newest="/x.log", ahead_seconds=61)) == [("warning", "clock")]


def test_a_service_of_an_older_version_is_told_how_to_be_upgraded() -> None:
    unit = Unit({})
    (found,) = findings(unit=unit, main_pid=1, versions={"logstream": "2", "service": "1"})
    assert found.remedy.strip() == "sudo logstream upgrade"
    assert faults(unit=unit, main_pid=1, versions={"logstream": "2", "service": "2"}) == []


@pytest.mark.parametrize(
    ("mode", "expected"),
    [
        (Mode("create", 7), []),
        (Mode("copytruncate", 7), []),
        (Mode("copytruncate", 7, "/var/log/app"), []),
        (Mode("copytruncate", 7, "/srv/archive"), [("warning", "rotation")]),
        (Mode("copytruncate", 0), [("warning", "rotation")]),
        (Mode("copy", 7), [("warning", "rotation")]),
    ],
)
def test_a_file_cut_without_a_copy_beside_it_is_told(mode: Mode, expected: list[tuple[str, str]]) -> None:
    assert faults(globs=glob(), rotation=(Entry(("/var/log/app/*.log",), mode, "/etc/logrotate.d/app"),)) == expected


@pytest.mark.parametrize(
    ("barred", "is_service", "remedy"),
    [
        (Barred(FILE, 0o100640, "app", "app"), True, "SupplementaryGroups=app"),
        (Barred(FILE, 0o100640, "root", "root"), True, f"sudo chgrp adm {FILE} && sudo chmod g+r {FILE}"),
        (Barred("/var/log/app", 0o40700, "app", "app"), True, "sudo chmod g+rx /var/log/app"),
        (Barred("/var/log/app", 0o40750, "app", "app"), False, "sudo usermod -aG app alice"),
        (Barred(FILE, 0o100600, "app", "app"), False, f"sudo setfacl -m u:alice:r {FILE}"),
    ],
)
def test_what_is_closed_is_opened_by_the_least_that_does(barred: Barred, remedy: str, *, is_service: bool) -> None:
    who: dict[str, Any] = {"account": IT, "unit": Unit({}), "main_pid": 1} if is_service else {}
    (found,) = findings(globs=glob(barred), **who)
    assert (found.severity, found.check) == (Severity.ERROR, "files")
    assert remedy in found.remedy


def test_some_closed_files_among_others_are_no_more_than_a_warning() -> None:
    closed = Barred(FILE, 0o100600, "app", "app")
    assert faults(globs=glob(closed, files=(FILE, "/var/log/app/b.log"))) == [("warning", "files")]


def test_an_empty_glob_is_told_unless_others_of_its_source_find_files() -> None:
    assert faults(globs=glob(files=())) == [("warning", "files")]
    assert faults(globs=(*glob(files=()), *glob())) == []


@pytest.mark.parametrize(
    ("setting", "remedy"),
    [
        ("ProtectHome=no", "[Service]\n    BindReadOnlyPaths=/var/log/app"),
        ("InaccessiblePaths=/var/log", "InaccessiblePaths=    #"),
    ],
)
def test_what_is_hidden_is_shown_by_the_least_that_does(setting: str, remedy: str) -> None:
    hiding = parse_unit([f"[Service]\n{setting}\nTemporaryFileSystem=/var/log\n"])
    (found,) = findings(unit=hiding, main_pid=1, globs=glob())
    assert (found.severity, found.check) == (Severity.ERROR, "sandbox")
    assert remedy in found.remedy


def test_a_state_that_the_sandbox_keeps_from_being_written_is_told() -> None:
    state = State("/srv/state", is_there=True, is_writable=True, size_bytes=0, holder=0)
    unit = parse_unit(["[Service]\nProtectSystem=strict\nStateDirectory=logstream\n"])
    (found,) = findings(unit=unit, main_pid=1, state=state)
    assert "ReadWritePaths=/srv/state" in found.remedy
    assert faults(unit=unit, main_pid=1, state=state._replace(path="/var/lib/logstream")) == []
