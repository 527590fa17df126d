"""What is read in a unit, and which paths that hides."""

from __future__ import annotations

import pytest

from logstream.doctor.host.units import hider_of, may_write, parse_unit
from tests.installed import ROOT

SHIPPED = (ROOT / "systemd/logstream.service").read_text()


def test_the_shipped_unit_tells_its_configuration_state_and_groups() -> None:
    unit = parse_unit([SHIPPED])
    assert unit.config == "/etc/logstream/config.toml"
    assert unit.environment == {"LOGSTREAM_STATE__DIR": "/var/lib/logstream"}
    assert unit.words("SupplementaryGroups") == ("adm", "systemd-journal")
    assert unit.is_on("DynamicUser")


@pytest.mark.parametrize(
    ("path", "setting"),
    [
        ("/home/app/x.log", "ProtectHome=tmpfs"),
        ("/root/x.log", "ProtectHome=tmpfs"),
        ("/tmp/x.log", "PrivateTmp=yes"),  # noqa: S108 - nothing is written there
        ("/var/tmp/a/b.log", "PrivateTmp=yes"),  # noqa: S108 - as above
        ("/etc/x.log", "TemporaryFileSystem=/etc"),
        ("/etc/logstream/config.toml", ""),
        ("/var/log/syslog", ""),
        ("/homeless/x.log", ""),
    ],
)
def test_the_shipped_unit_hides_what_it_says(path: str, setting: str) -> None:
    assert hider_of(parse_unit([SHIPPED]), path) == setting


@pytest.mark.parametrize(
    ("lines", "setting"),
    [
        ("BindReadOnlyPaths=-/home/app/logs", ""),
        ("BindReadOnlyPaths=/data/logs:/home/app/logs:rbind", ""),
        ("BindReadOnlyPaths=/home", ""),
        ("BindReadOnlyPaths=/data/logs", "ProtectHome=tmpfs"),
        ("BindReadOnlyPaths=/home/app/logs\nInaccessiblePaths=-/home/app/logs/secret", ""),
        ("BindReadOnlyPaths=/home/app/logs/app\nInaccessiblePaths=/home/app", "InaccessiblePaths=/home/app"),
        ("BindReadOnlyPaths=/home/app/logs\nProtectHome=yes", "ProtectHome=yes"),
        ("ProtectHome=read-only", ""),
        ("ProtectHome=no\nInaccessiblePaths=+/home", "InaccessiblePaths=/home"),
    ],
)
def test_what_is_inaccessible_stays_so_and_else_the_nearest_mount_decides(lines: str, setting: str) -> None:
    assert hider_of(parse_unit([SHIPPED, f"[Service]\n{lines}\n"]), "/home/app/logs/app/x.log") == setting


def test_a_drop_in_adds_and_an_empty_assignment_forgets() -> None:
    added = parse_unit([SHIPPED, "[Service]\nSupplementaryGroups=postgres\n"])
    assert added.words("SupplementaryGroups") == ("adm", "systemd-journal", "postgres")
    reset = parse_unit([SHIPPED, "[Service]\nSupplementaryGroups=\nSupplementaryGroups=postgres\n[Unit]\nUser=x\n"])
    assert reset.words("SupplementaryGroups") == ("postgres",)
    assert reset.last("User") == ""


def test_a_strict_system_is_written_to_only_where_the_unit_says() -> None:
    unit = parse_unit([SHIPPED, "[Service]\nReadWritePaths=-/srv/state\n"])
    places = ("/var/lib/logstream", "/srv/state/x", "/srv/other")
    assert [may_write(unit, place) for place in places] == [True, True, False]
    assert may_write(parse_unit(["[Service]\nProtectSystem=full\n"]), "/srv/other")
