"""What is to be done to install, upgrade and remove the service: pure functions from what is there to steps.

Owns names and places of all files outside the package. Refuses to do anything, and to decide what is in the units:
those are files of their own, used as they are.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

from logstream.installing.steps import Keep, Link, Remove, Run, Step, Write

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from logstream.installing.program import Program

UNITS: Final = Path("/etc/systemd/system")
HOME: Final = Path("/opt/logstream")
CURRENT: Final = HOME / "current"
"""What the unit runs: an environment, or a link to one."""
WEB_ROOT: Final = HOME / "web"
"""The page's folder, for a web server: a link into the program that runs."""
CONFIG: Final = Path("/etc/logstream/config.toml")
STATE: Final = (Path("/var/lib/logstream"), Path("/var/lib/private/logstream"))
SERVICE, SOCKET = "logstream.service", "logstream.socket"
_PROXY_GROUPS: Final = ("www-data", "nginx", "http", "caddy", "haproxy")
"""The groups of proxies, as distributions call them."""


class Shipped(NamedTuple):
    """The files that come with the package: two units and a configuration."""

    service: str
    socket: str
    config: str


class Machine(NamedTuple):
    """What is there already: names of groups, whether there is a configuration, and which copies of logstream."""

    groups: frozenset[str]
    has_config: bool
    copies: tuple[Path, ...]
    system_pythons: tuple[Path, ...] = ()


def install_plan(program: Program, shipped: Shipped, machine: Machine) -> list[Step]:
    """The steps up to the service's start; raises NotCopyableError."""
    return [
        *_program_steps(program, machine),
        *_unit_steps(shipped, machine),
        Keep(CONFIG) if machine.has_config else Write(CONFIG, shipped.config),
        Run(("systemctl", "daemon-reload")),
        Run(("systemctl", "enable", "--quiet", SOCKET, SERVICE)),
        Run(("systemctl", "start", SOCKET)),
        Run(("systemctl", "restart", SERVICE)),
    ]


def upgrade_plan(program: Program, shipped: Shipped, machine: Machine) -> list[Step]:
    """The steps that put `program` in the place of the one that runs; the sockets stay, so nobody is refused.

    Raises:
        NotCopyableError: see `Program.copied_to`.
    """
    return [
        *_program_steps(program, machine),
        *_unit_steps(shipped, machine),
        Run(("systemctl", "daemon-reload")),
        Run(("systemctl", "restart", SERVICE)),
    ]


def clearing_plan(machine: Machine) -> list[Step]:
    """What is removed once the new program is seen to work: the `machine`'s copies before it."""
    return [Remove(path) for path in machine.copies]


def back_plan(before: Sequence[Link]) -> list[Step]:
    """The way back to what the links led to `before`, if the new program does not work."""
    return [*before, Run(("systemctl", "restart", SERVICE))]


def uninstall_plan(*, purge: bool) -> list[Step]:
    """The steps that leave nothing; without `purge` the configuration and the state stay."""
    steps: list[Step] = [
        Run(("systemctl", "disable", "--now", SOCKET, SERVICE), may_fail=True),
        *(Remove(UNITS / name) for name in (SERVICE, SOCKET, f"{SERVICE}.d", f"{SOCKET}.d")),
        Remove(HOME),
        Run(("systemctl", "daemon-reload")),
        Run(("systemctl", "reset-failed", SERVICE, SOCKET), may_fail=True),
    ]
    kept = (CONFIG.parent, *STATE)
    return [*steps, *(Remove(path) if purge else Keep(path) for path in kept)]


def listens_at(shown: str) -> list[str]:
    """The addresses in what `systemctl show --property=Listen` tells of a socket unit: URLs first, then paths."""
    found = re.findall(r"^Listen=(\S+) \(Stream\)$", shown, re.MULTILINE)
    return [f"http://{address}" for address in found if address[0] != "/"] + [at for at in found if at[0] == "/"]


def _program_steps(program: Program, machine: Machine) -> list[Step]:
    if program.is_visible:
        return [Link(CURRENT, program.prefix), Link(WEB_ROOT, program.package / "static")]
    # Always a new place: the copy that runs is never changed under its process.
    places = (HOME / f"{program.version}-{number}" for number in range(1, len(machine.copies) + 2))
    place = next(path for path in places if path not in machine.copies)
    copied = program.copied_to(place, machine.system_pythons)
    page = place / program.package.relative_to(program.prefix) / "static"
    return [*copied, Link(CURRENT, place), Link(WEB_ROOT, page)]


def _unit_steps(shipped: Shipped, machine: Machine) -> Iterable[Step]:
    group = next((name for name in _PROXY_GROUPS if name in machine.groups), "root")
    readers = [name for name in ("adm", "systemd-journal") if name in machine.groups]
    service = re.sub(
        r"^SupplementaryGroups=.*$", f"SupplementaryGroups={' '.join(readers)}", shipped.service, flags=re.MULTILINE
    )
    yield Write(UNITS / SERVICE, service)
    yield Write(UNITS / SOCKET, re.sub(r"^SocketGroup=.*$", f"SocketGroup={group}", shipped.socket, flags=re.MULTILINE))
