"""What is seen of real files, rights and locks, as another user where one is root."""

from __future__ import annotations

import ctypes
import os
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from logstream.cli import main
from logstream.doctor.host import judge_host, look_around
from logstream.doctor.host.kernel import disk_at, inotify_of, lock_holder
from logstream.doctor.host.rights import DYNAMIC_UID, ask_as
from logstream.doctor.host.seen import Account
from logstream.journal.lock import lock
from tests.installed import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can ask in the place of another user")
STRANGER = Account("stranger", DYNAMIC_UID - 1, (DYNAMIC_UID - 1,))
ADM = 4


@pytest.fixture(name="place")
def _place() -> Iterator[Path]:
    """A folder that others may enter, as pytest's own may not be, with logs, a configuration and an installed unit."""
    place = Path(tempfile.mkdtemp(prefix="doctor-"))
    place.chmod(0o755)
    for folder in ("logs", "etc/systemd/system/logstream.service.d", "etc/logrotate.d"):
        (place / folder).mkdir(parents=True)
    unit = (ROOT / "systemd/logstream.service").read_text()
    unit = unit.replace("/etc/logstream/config.toml", str(place / "config.toml"))
    (place / "etc/systemd/system/logstream.service").write_text(unit)
    shown = f"[Service]\nBindReadOnlyPaths={place}\n"
    (place / "etc/systemd/system/logstream.service.d/override.conf").write_text(shown)
    (place / "config.toml").write_text(f'[[source]]\nname = "app"\npaths = ["{place}/logs/**/*.log"]\n')
    log(place, "open.log")
    yield place
    shutil.rmtree(place)


def log(place: Path, name: str, mode: int = 0o644, group: int = 0) -> Path:
    path = place / "logs" / name
    path.write_text("a line\n")
    os.chown(path, -1, group)
    path.chmod(mode)
    return path


def examined(place: Path) -> dict[str, list[dict[str, str]]]:
    """What is found on a machine whose root is `place`, by check."""
    found: dict[str, list[dict[str, str]]] = {}
    for finding in judge_host(look_around(None, {}, lambda _: None, place)):
        found.setdefault(finding.check, []).append(finding._asdict())
    return found


@needs_root
def test_what_the_groups_of_the_unit_may_read_is_readable_for_the_service(place: Path) -> None:
    log(place, "adm.log", 0o640, ADM)
    found = examined(place)
    assert found["files"][0]["severity"] == "ok"
    assert "2 files, readable for logstream" in found["files"][0]["seen"]
    assert found["sandbox"][0]["severity"] == "ok"
    assert (found["service"][0]["severity"], found["service"][0]["seen"]) == ("error", "is installed and does not run")


@needs_root
def test_what_only_root_may_read_is_told_although_root_asks(place: Path) -> None:
    path = log(place, "closed.log", 0o600)
    (found,) = examined(place)["files"]
    assert found["severity"] == "warning"
    assert f"{path} (-rw------- root:root)" in found["seen"]
    assert f"sudo chgrp adm {path}" in found["remedy"]


@needs_root
def test_a_closed_directory_on_the_way_is_named_and_not_what_is_in_it(place: Path) -> None:
    log(place, "open.log").unlink()
    (place / "logs").chmod(0o700)
    (found,) = examined(place)["files"]
    assert found["severity"] == "error"
    assert f"cannot read {place}/logs (drwx------" in found["seen"]


@needs_root
def test_who_is_not_root_tells_by_modes_or_that_it_cannot_tell(place: Path) -> None:
    log(place, "adm.log", 0o640, ADM)

    def ask() -> Any:  # noqa: ANN401 - what JSON holds
        return examined(place)

    assert ask_as(STRANGER, ask)["files"][0]["seen"].endswith("2 files, readable for logstream")
    path = log(place, "closed.log", 0o600)
    assert f"cannot read {path}" in ask_as(STRANGER, ask)["files"][0]["seen"]
    path.unlink()
    (place / "logs").chmod(0o750)
    os.chown(place / "logs", -1, ADM)
    (found,) = ask_as(STRANGER, ask)["files"]
    assert found["severity"] == "warning"
    assert f"cannot tell whether logstream may read {place}/logs" in found["seen"]


@needs_root
def test_who_is_the_service_s_user_without_its_groups_does_not_answer_for_it(place: Path) -> None:
    path = log(place, "adm.log", 0o640, ADM)
    same_user = STRANGER._replace(uid=DYNAMIC_UID, gids=(DYNAMIC_UID,))

    def ask() -> list[bool]:
        return [os.access(path, os.R_OK), examined(place)["files"][0]["severity"] == "ok"]

    assert ask_as(same_user, ask) == [False, True]


@needs_root
def test_a_path_that_the_sandbox_hides_is_told_with_the_line_that_shows_it(place: Path) -> None:
    (place / "etc/systemd/system/logstream.service.d/override.conf").unlink()
    (found,) = examined(place)["sandbox"]
    assert found["severity"] == "error"
    assert "hidden by PrivateTmp=yes" in found["seen"]
    assert f"BindReadOnlyPaths={place}/logs" in found["remedy"]


@needs_root
def test_where_a_link_leads_to_is_what_must_be_shown_and_open(place: Path) -> None:
    elsewhere = Path(tempfile.mkdtemp(prefix="doctor-"))
    (elsewhere / "app.log").write_text("a line\n")
    (place / "logs/linked.log").symlink_to(elsewhere / "app.log")
    found = examined(place)
    shutil.rmtree(elsewhere)
    assert f"BindReadOnlyPaths={elsewhere}" in found["sandbox"][0]["remedy"]
    assert f"cannot read {elsewhere} (drwx------" in found["files"][0]["seen"]


def test_every_mistake_of_the_configuration_is_a_finding(place: Path) -> None:
    (place / "config.toml").write_text("[server]\nport = 'x'\nprot = 1\n")
    found = examined(place)
    assert [finding["severity"] for finding in found["configuration"]] == ["error", "error"]
    assert "config.toml:2: server.port" in found["configuration"][0]["seen"]
    assert found["versions"]


def test_the_rotation_of_each_source_is_looked_up_among_real_files(place: Path) -> None:
    (place / "etc/logrotate.conf").write_text("rotate 4\n")
    (place / "etc/logrotate.d/app").write_text(f"{place}/logs/*.log {{\n  copytruncate\n  olddir /srv/archive\n}}\n")
    (found,) = examined(place)["rotation"]
    assert found["severity"] == "warning"
    assert "copytruncate (/etc/logrotate.d/app); its copies go to /srv/archive" in found["seen"]


def test_a_drop_in_of_the_machine_s_owner_counts(place: Path) -> None:
    other = place / "other.toml"
    other.write_text(f'[[source]]\nname = "other"\npaths = ["{place}/logs/*.log"]\n')
    name = "etc/systemd/system/logstream.service.d/z.conf"
    (place / name).write_text(f"[Service]\nExecStart=\nExecStart=/x serve --config {other}\n")
    assert examined(place)["configuration"][0]["seen"] == f"{other}: sources: 1, rules: 0"


def test_the_process_that_has_locked_the_state_is_named(tmp_path: Path) -> None:
    descriptor = lock(tmp_path)
    assert lock_holder(tmp_path / "lock") == os.getpid()
    os.close(descriptor)
    assert lock_holder(tmp_path / "lock") == 0


def test_instances_of_inotify_are_counted() -> None:
    before = inotify_of(os.geteuid(), 3)
    descriptor = ctypes.CDLL(None).inotify_init1(os.O_CLOEXEC)
    after = inotify_of(os.geteuid(), 3)
    os.close(descriptor)
    assert before is not None
    assert after is not None
    # Others may come and go meanwhile: this one is there for sure.
    assert after.instances_used >= 1
    assert (after.watches, after.instances) == (before.watches, before.instances)
    assert after.watches == int(Path("/proc/sys/fs/inotify/max_user_watches").read_text())


def test_the_disk_is_that_of_the_next_directory_that_is_there(tmp_path: Path) -> None:
    disk = disk_at(tmp_path / "not" / "there")
    assert disk is not None
    assert disk.total_bytes == shutil.disk_usage(tmp_path).total


@needs_root
def test_a_state_directory_of_another_user_is_told(place: Path) -> None:
    (place / "state").mkdir(mode=0o755)
    name = place / "etc/systemd/system/logstream.service.d/override.conf"
    lines = (
        f"[Service]\nBindReadOnlyPaths={place}\nEnvironment=LOGSTREAM_STATE__DIR={place}/state\nProtectSystem=full\n"
    )
    name.write_text(lines)
    assert examined(place)["state"][0]["severity"] == "error"
    os.chown(place / "state", DYNAMIC_UID, DYNAMIC_UID)
    assert examined(place)["state"][0]["severity"] == "ok"


def test_the_command_answers_by_its_exit_code_and_in_json(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (place / "config.toml").write_text("port = 1\n")
    assert main(["doctor", "--config", str(place / "config.toml"), "--json"]) == 1
    out, err = capsys.readouterr()
    assert '"check": "configuration"' in out
    assert err == ""
    assert main(["doctor", "--local", "--config", str(place / "config.toml"), "http://127.0.0.1:1"]) == 1
    out, _ = capsys.readouterr()
    assert "error   configuration:" in out
    assert "error   connection:" in out
