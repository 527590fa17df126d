"""What was seen of a machine, as values: no judgement, and no I/O."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping

    from logstream.doctor.host.logrotate import Entry
    from logstream.doctor.host.units import Unit


class Account(NamedTuple):
    """Whom the service runs as; `groups` are the names of those among `gids` that it is given beside its own."""

    name: str
    uid: int
    gids: tuple[int, ...]
    groups: tuple[str, ...] = ()


class Barred(NamedTuple):
    """A file or directory that keeps the account out, itself or on the way to a file; `mode` is that of stat."""

    path: str
    mode: int
    owner: str
    group: str


class GlobSeen(NamedTuple):
    """What one glob of a source leads to, for the service's account.

    `files` are those that match and are regular files, `barred` what keeps it from them, `others` paths that match with
    why they cannot be followed, `unknown` those of which it cannot be told whether they can be read, and `targets`
    where links among the files lead to.
    """

    source: str
    pattern: str
    base: str
    files: tuple[str, ...]
    barred: tuple[Barred, ...] = ()
    others: tuple[tuple[str, str], ...] = ()
    unknown: tuple[str, ...] = ()
    targets: tuple[str, ...] = ()


class Inotify(NamedTuple):
    """The kernel's limits for one user, and how much of them is used by it and would be needed."""

    watches: int
    instances: int
    instances_used: int
    watches_needed: int


class State(NamedTuple):
    """The state directory; None stands for what could not be told. `holder` is the process that has locked it."""

    path: str
    is_there: bool | None
    is_writable: bool | None
    size_bytes: int | None
    holder: int


class Disk(NamedTuple):
    """What is free where the state is, for those who are not root."""

    free_bytes: int
    total_bytes: int
    free_inodes: int
    inodes: int


class Clock(NamedTuple):
    """Whether something keeps the clock right (None: not told), and the file that was written last in its future."""

    is_synchronised: bool | None
    newest: str = ""
    ahead_seconds: float = 0.0


class Config(NamedTuple):
    """The configuration: its mistakes, else what is probably not meant in it, and how much there is."""

    path: str
    mistakes: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    sources: int = 0
    rules: int = 0


@dataclass(frozen=True, slots=True)
class HostSeen:
    """All that was seen of a machine; `unit` is None where no service is installed. `main_pid` is 0 unless it runs."""

    config: Config
    account: Account
    unit: Unit | None = None
    main_pid: int = 0
    globs: tuple[GlobSeen, ...] = ()
    inotify: Inotify | None = None
    state: State | None = None
    disk: Disk | None = None
    rotation: tuple[Entry, ...] = ()
    clock: Clock | None = None
    versions: Mapping[str, str] = field(default_factory=dict)
