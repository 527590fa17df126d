"""What is planned for an installation, from what is there; nothing is done here."""

from __future__ import annotations

from pathlib import Path

import pytest

from logstream.installing.errors import NotCopyableError
from logstream.installing.plans import (
    CONFIG,
    CURRENT,
    HOME,
    WEB_ROOT,
    Machine,
    Shipped,
    back_plan,
    clearing_plan,
    install_plan,
    listens_at,
    uninstall_plan,
    upgrade_plan,
)
from logstream.installing.program import Program, is_visible_to_service
from logstream.installing.steps import Copy, Keep, Link, Remove, Run, Write

SHIPPED = Shipped("[Service]\nSupplementaryGroups=adm systemd-journal\n", "[Socket]\nSocketGroup=www-data\n", "# c\n")
DEBIAN = Machine(frozenset({"adm", "systemd-journal", "www-data"}), has_config=False, copies=())
USR = Path("/usr")
PYTHON = (USR / "bin" / "env").resolve()  # a program that everybody may run on any system


def program(prefix: str, *, base: str = "/usr", base_python: str | None = None, package: str | None = None) -> Program:
    packages = Path(prefix) / "lib/python3.11/site-packages"
    python = Path(base_python) if base_python else PYTHON
    return Program("1.2.0", Path(prefix), packages, Path(base), python, Path(package or packages / "logstream"))


HIDDEN = program("/root/.local/pipx/venvs/logstream-live")


def test_a_hidden_program_is_copied_onto_the_systems_python_and_linked() -> None:
    steps = install_plan(HIDDEN, SHIPPED, DEBIAN)
    place = HOME / "1.2.0-1"
    assert steps[0] == Copy(HIDDEN.packages, place / "lib/python3.11/site-packages", ("__pycache__", "pip", "pip-*"))
    assert steps[1] == Write(place / "pyvenv.cfg", f"home = {PYTHON.parent}\ninclude-system-site-packages = false\n")
    python = place / "bin/python"
    assert steps[2] == Link(python, PYTHON)
    assert steps[3] == Run((str(python), "-I", "-m", "compileall", "-q", str(place)), may_fail=True)
    page = place / "lib/python3.11/site-packages/logstream/static"
    assert steps[4:6] == [Link(CURRENT, place), Link(WEB_ROOT, page)]


def test_a_python_that_is_hidden_too_is_taken_from_the_system_or_copied() -> None:
    hidden = program("/root/venv", base="/root/py", base_python="/root/py/bin/python3.11")
    with_system = install_plan(hidden, SHIPPED, DEBIAN._replace(system_pythons=(Path("/no/python3.11"), PYTHON)))
    assert Link(HOME / "1.2.0-1/bin/python", PYTHON) in with_system

    alone = install_plan(hidden, SHIPPED, DEBIAN)
    assert isinstance(alone[0], Copy)
    assert alone[0][:2] == (Path("/root/py"), HOME / "1.2.0-1/python")
    assert Link(HOME / "1.2.0-1/bin/python", HOME / "1.2.0-1/python/bin/python3.11") in alone


def test_a_program_that_cannot_be_copied_is_refused_with_a_remedy() -> None:
    with pytest.raises(NotCopyableError, match="not in an environment of its own: install the wheel"):
        install_plan(program("/root/py", base="/root/py"), SHIPPED, DEBIAN)
    with pytest.raises(NotCopyableError, match="only linked into its environment, from /root/clone"):
        install_plan(program("/root/venv", package="/root/clone/logstream"), SHIPPED, DEBIAN)


def test_a_copy_that_runs_is_never_changed() -> None:
    copies = (HOME / "1.2.0-1", HOME / "1.2.0-3")
    machine = DEBIAN._replace(copies=copies)
    assert Link(CURRENT, HOME / "1.2.0-2") in upgrade_plan(HIDDEN, SHIPPED, machine)
    assert clearing_plan(machine) == [Remove(path) for path in copies]
    assert back_plan([Link(CURRENT, copies[0])])[0] == Link(CURRENT, copies[0])


def test_what_the_service_can_read_where_it_is_is_only_linked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("logstream.installing.program.is_visible_to_service", lambda _: True)
    assert install_plan(program("/srv/venv"), SHIPPED, DEBIAN)[0] == Link(CURRENT, Path("/srv/venv"))


def test_a_configuration_that_is_there_is_kept() -> None:
    assert Write(CONFIG, "# c\n") in install_plan(HIDDEN, SHIPPED, DEBIAN)
    with_config = install_plan(HIDDEN, SHIPPED, DEBIAN._replace(has_config=True))
    assert Keep(CONFIG) in with_config
    assert not any(isinstance(step, Write) and step.path == CONFIG for step in with_config)


def test_units_name_only_groups_that_the_machine_has() -> None:
    steps = install_plan(HIDDEN, SHIPPED, DEBIAN._replace(groups=frozenset({"adm", "nginx"})))
    texts = [step.text for step in steps if isinstance(step, Write)]
    assert "[Service]\nSupplementaryGroups=adm\n" in texts
    assert "[Socket]\nSocketGroup=nginx\n" in texts
    nobody = install_plan(HIDDEN, SHIPPED, DEBIAN._replace(groups=frozenset()))
    assert "[Socket]\nSocketGroup=root\n" in [step.text for step in nobody if isinstance(step, Write)]


def test_an_upgrade_never_stops_the_sockets() -> None:
    steps = upgrade_plan(HIDDEN, SHIPPED, DEBIAN)
    commands = [step.command for step in steps if isinstance(step, Run) and step.command[0] == "systemctl"]
    assert commands == [("systemctl", "daemon-reload"), ("systemctl", "restart", "logstream.service")]


def test_only_a_purge_removes_configuration_and_state() -> None:
    kept = {CONFIG.parent, Path("/var/lib/logstream"), Path("/var/lib/private/logstream")}
    assert {step.path for step in uninstall_plan(purge=False) if isinstance(step, Keep)} == kept
    assert kept < {step.path for step in uninstall_plan(purge=True) if isinstance(step, Remove)}


def test_addresses_are_read_from_what_systemd_shows() -> None:
    shown = "Listen=/run/logstream/logstream.sock (Stream)\nListen=127.0.0.1:8780 (Stream)\nListen=/x (Datagram)\n"
    assert listens_at(shown) == ["http://127.0.0.1:8780", "/run/logstream/logstream.sock"]
    assert listens_at("") == []


def test_each_step_says_what_it_does() -> None:
    path = Path("/a")
    steps = [Write(path, ""), Keep(path), Copy(path, Path("/b")), Link(path, Path("/b")), Remove(path), Run(("c d",))]
    assert [str(step) for step in steps] == [
        "write /a",
        "keep /a as it is",
        "copy /a to /b",
        "let /a lead to /b",
        "remove /a",
        "run 'c d'",
    ]


def test_the_service_sees_what_all_may_read_outside_what_the_sandbox_hides(tmp_path: Path) -> None:
    assert is_visible_to_service(PYTHON)
    assert not is_visible_to_service(tmp_path)  # /tmp is the service's own
    assert not is_visible_to_service(Path("/home/someone/venv"))
    assert not is_visible_to_service(Path("/nowhere"))
