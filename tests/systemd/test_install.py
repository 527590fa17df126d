"""`logstream install`, `upgrade` and `uninstall` under a real systemd."""

from __future__ import annotations

import re
from importlib.util import cache_from_source
from typing import TYPE_CHECKING

import pytest

from tests.installed import ROOT

if TYPE_CHECKING:
    from pathlib import Path

    from tests.systemd.machine import Machine

# The first test of a session builds the wheel and installs it.
pytestmark = pytest.mark.timeout(300)


def files_of(machine: Machine) -> set[str]:
    """Every file on the machine's disk but those that systemd and the journal write for themselves."""
    found = machine.run("find", "/", "-xdev", "-not", "-path", "/var/log/journal*", "-not", "-name", "__pycache__")
    return {name for name in found.splitlines() if "/__pycache__/" not in name}


def test_a_dry_run_tells_every_step_and_changes_nothing(bare: Machine, environment: Path) -> None:
    command = str(environment / "bin" / "logstream")
    before = files_of(bare)
    told = bare.run(command, "install", "--dry-run")
    assert files_of(bare) == before
    for step in (
        "would copy .* to /opt/logstream/",
        "would write /etc/systemd/system/logstream.service",
        "would write /etc/logstream/config.toml",
        "would run systemctl restart logstream.service",
    ):
        assert re.search(step, told), told
    for words in (("install",), ("upgrade",), ("uninstall", "--purge")):
        told = bare.run(command, *words, "--dry-run")
        done = [line for line in bare.run(command, *words).splitlines() if line.startswith("- ")]
        assert done == [line.replace("would", "-", 1) for line in told.splitlines()]


def test_it_is_installed_with_one_command_and_removed_without_a_trace(bare: Machine, environment: Path) -> None:
    command = str(environment / "bin" / "logstream")
    before = files_of(bare)
    assert "is ready at http://127.0.0.1:8780" in bare.run(command, "install")
    assert bare.path("/etc/logstream/config.toml").read_text() == (ROOT / "config.toml").read_text()
    assert "system:" in bare.run(command, "sources", "http://127.0.0.1:8780")
    assert bare.run("systemctl", "is-enabled", "logstream.service", "logstream.socket").split() == ["enabled"] * 2

    assert "its configuration and state are kept" in bare.run(command, "uninstall")
    assert bare.path("/etc/logstream/config.toml").exists()
    assert bare.path("/var/lib/private/logstream").exists()
    assert not bare.path("/opt/logstream").exists()

    bare.run(command, "uninstall", "--purge")
    assert files_of(bare) - before == set()
    assert "not-found" in bare.run("systemctl", "show", "--property=LoadState", "logstream.service")


def test_all_that_the_service_imports_is_compiled_where_it_can_read_it(served: Machine) -> None:
    """It may write nothing there: what is not compiled when it is installed is compiled anew at each start."""
    found = served.run("find", "-L", "/opt/logstream/current/lib", "-perm", "-o=r", "-name", "*.py*").splitlines()
    sources = [name for name in found if name.endswith(".py")]
    assert any(name.endswith("/logstream/server.py") for name in sources)
    assert {cache_from_source(name) for name in sources} - set(found) == set()


def test_the_unit_is_as_closed_as_it_can_be(served: Machine) -> None:
    found = re.search(r"exposure level for logstream.service: ([\d.]+)", served.run("systemd-analyze", "security"
        , "--no-pager", "logstream.service"))  # fmt: skip
    assert found is not None
    assert float(found[1]) <= 1.5


def test_installing_again_keeps_an_edited_configuration(served: Machine, environment: Path) -> None:
    served.write("/etc/logstream/config.toml", "# edited")
    assert "keep /etc/logstream/config.toml as it is" in served.run(str(environment / "bin" / "logstream"), "install")
    assert served.path("/etc/logstream/config.toml").read_text().endswith("# edited\n")


def test_an_upgrade_keeps_streams_resumable_and_one_copy(served: Machine, environment: Path) -> None:
    with served.stream() as stream:
        assert stream.expect("line").json["text"] == "the first line"
        served.run(str(environment / "bin" / "logstream"), "upgrade")
        assert stream.expect("bye").json["retry_ms"] > 0
        last = stream.last_id
    served.write("/var/log/app/first.log", "after the upgrade")
    with served.stream("from=now", last) as stream:
        assert stream.expect("hello").json["resume"]["exact"]
        assert stream.texts(1) == ["after the upgrade"]
    assert len(list(served.path("/opt/logstream").glob("[0-9]*"))) == 1


def test_an_upgrade_that_does_not_start_gives_way_to_the_one_before(served: Machine, environment: Path) -> None:
    before = served.path("/opt/logstream/current").readlink()
    served.write("/etc/systemd/system/logstream.service.d/broken.conf", "[Service]", "ExecStartPre=/bin/sh -c "
        f"'[ $(readlink /opt/logstream/current) = {before} ]'")  # fmt: skip
    told = served.run(str(environment / "bin" / "logstream"), "upgrade", check=False)
    assert "could not run systemctl restart logstream.service" in told
    assert served.path("/opt/logstream/current").readlink() == before
    assert served.get("/readyz").status_code == 200
    served.path("/etc/systemd/system/logstream.service.d/broken.conf").unlink()
    served.run("systemctl", "daemon-reload")
