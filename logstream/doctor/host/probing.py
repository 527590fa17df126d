"""The probes on the machine itself: its files, its units, and what the service's user may do.

Reads only. Refuses to judge. `root` is where units, rotation and installed programs are looked for: `/` but in tests.
"""

from __future__ import annotations

import os
import platform
import sqlite3
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from logstream import __version__
from logstream.config import ConfigError, load
from logstream.config.survey import Survey, warnings_about
from logstream.doctor.host.kernel import clock_against, disk_at, inotify_of, lock_holder, process_text
from logstream.doctor.host.logrotate import Entry, parse_logrotate
from logstream.doctor.host.rights import account_of, ask_as, can_become, own_account, told_by_modes, what_bars
from logstream.doctor.host.seen import Account, Config, GlobSeen, HostSeen, State
from logstream.doctor.host.units import Unit, parse_unit
from logstream.tail.discovery import find
from logstream.tail.globs import MAGIC, parts_of
from logstream.tail.growth import MOST_WATCHED

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from logstream.config import Settings, SourceSettings

_SERVICE: Final = "logstream.service"
_UNIT_FOLDERS: Final = ("etc/systemd/system", "run/systemd/system", "usr/lib/systemd/system", "lib/systemd/system")
_DENIED: Final = "permission denied"


def look_around(
    config: Path | None, environ: Mapping[str, str], tell: Callable[[str], None], root: Path = Path("/")
) -> HostSeen:
    """All probes. Without `config`: what the installed unit runs with, else ./config.toml."""
    tell("the configuration")
    unit = _installed_unit(root)
    path = config or Path(unit.config if unit is not None and unit.config else "config.toml")
    if unit is not None and str(path) != unit.config:
        unit = None  # another configuration than the service's: it is examined for whoever asks
    pid = _main_pid(root) if unit is not None else 0
    account = own_account() if unit is None else account_of(unit, process_text(pid))
    versions = _versions(root)
    try:
        settings = load(path, environ if unit is None else unit.environment, users="try")
    except ConfigError as error:
        told = Config(str(path), tuple(map(str, error.problems)))
        return HostSeen(told, account, unit, pid, clock=clock_against((), time.time()), versions=versions)
    tell("the files, as the service sees them")
    globs, directories = _globs(settings.sources, account)
    files = {name for glob in globs for name in glob.files}
    state = _state(settings.state.dir, account, unit)
    return HostSeen(
        config=_config(settings, account),
        account=account,
        unit=unit,
        main_pid=pid,
        globs=globs,
        inotify=inotify_of(account.uid, directories + min(len(files), MOST_WATCHED)),
        state=state,
        disk=disk_at(settings.state.dir),
        rotation=_rotation(root),
        clock=clock_against(sorted(files), time.time()),
        versions=versions,
    )


def settings_for(config: Path | None, environ: Mapping[str, str], root: Path = Path("/")) -> Settings:
    """The settings in force, as `look_around` has them, without users. Raises ConfigError."""
    unit = _installed_unit(root)
    path = config or Path(unit.config if unit is not None and unit.config else "config.toml")
    is_service = unit is not None and str(path) == unit.config
    return load(path, unit.environment if unit is not None and is_service else environ, users="leave")


def _installed_unit(root: Path) -> Unit | None:
    """The unit's file and its drop-ins in the order of their names; of two of one name the first folder's counts."""
    folders = [root / folder for folder in _UNIT_FOLDERS]
    unit = next((folder / _SERVICE for folder in folders if (folder / _SERVICE).is_file()), None)
    if unit is None:
        return None
    drop_ins: dict[str, Path] = {}
    for folder in reversed(folders):
        drop_ins |= {path.name: path for path in (folder / f"{_SERVICE}.d").glob("*.conf")}
    return parse_unit(_text(path) for path in (unit, *(drop_ins[name] for name in sorted(drop_ins))))


def _main_pid(root: Path) -> int:
    """A process of the running service, from its control group: all of them are of the same user."""
    for hierarchy in ("", "unified", "systemd"):
        held = _text(root / "sys/fs/cgroup" / hierarchy / "system.slice" / _SERVICE / "cgroup.procs").split()
        if held:
            return int(held[0])
    return 0


def _config(settings: Settings, account: Account) -> Config:
    # What the files are is told one by one: here the sources count as found.
    surveys = [Survey(source, (), 1, ()) for source in settings.sources]
    warnings = [str(warning) for warning in warnings_about(settings, surveys)]
    path = os.path.realpath(settings.path)
    if _may_read(path, account) is False:
        warnings.append(f"{path}: {account.name} cannot read it")
    users = str(settings.users_path)
    if settings.users.is_asked_for and _may_read(users, account) is False:
        warnings.append(f"{users}: {account.name} cannot read it, and lets nobody in")
    return Config(str(settings.path), (), tuple(warnings), len(settings.sources), len(settings.rules))


def _may_read(path: str, account: Account) -> bool | None:
    if can_become(account):
        return bool(ask_as(account, lambda: os.access(path, os.R_OK, effective_ids=True)))
    return told_by_modes(path, account)


def _globs(sources: Sequence[SourceSettings], account: Account) -> tuple[tuple[GlobSeen, ...], int]:
    """What each glob leads to, and how many directories are watched for all of them."""
    pairs = [(source, pattern) for source in sources for pattern in source.paths]

    def ask() -> list[Any]:
        return [_search(pattern, source.exclude) for source, pattern in pairs]

    is_asked = can_become(account)
    answers = ask_as(account, ask) if is_asked else ask()
    globs = tuple(
        _glob(source.name, pattern, answer, account, is_asked=is_asked)
        for (source, pattern), answer in zip(pairs, answers, strict=True)
    )
    return globs, len({directory for answer in answers for directory in answer[3]})


def _search(pattern: str, exclude: Sequence[str]) -> list[Any]:
    """What `tail` would find: files with whether we may read them, other things, troubles, directories."""
    found = find((pattern,), exclude)
    files = [(at.path, os.access(at.path, os.R_OK, effective_ids=True)) for at in found.sightings if not at.obstacle]
    others = [(at.path, at.obstacle) for at in found.sightings if at.obstacle]
    return [files, others, list(found.troubles), list(found.directories)]


def _glob(source: str, pattern: str, answer: list[Any], account: Account, *, is_asked: bool) -> GlobSeen:
    """The facts of one glob; with `is_asked` the account itself has given the answer."""
    files, others, troubles, _ = answer
    if is_asked:
        verdicts: dict[str, bool | None] = dict(files)
    else:
        verdicts = {path: told_by_modes(path, account) for path, _ in files}
    closed = [path for path, may_read in verdicts.items() if may_read is False]
    shut = [path for path, reason in troubles if reason == _DENIED]
    # Where we may look at no more than the account may, a closed directory is closed to both.
    barred = {what_bars(path, account) for path in (*closed, *(shut if is_asked else ()))}
    strange = [(path, f"cannot be looked at: {reason}") for path, reason in troubles if reason != _DENIED]
    unknown = [path for path, may_read in verdicts.items() if may_read is None]
    return GlobSeen(
        source,
        pattern,
        _base(pattern),
        tuple(verdicts),
        tuple(sorted(barred)),
        tuple((path, why) for path, why in (*others, *strange)),
        (*unknown, *(() if is_asked else shut)),
        tuple(sorted({os.path.realpath(path) for path in (*verdicts, *shut)} - {*verdicts, *shut})),
    )


def _base(pattern: str) -> str:
    """The part of a glob before its first wildcard: a directory, or the file itself."""
    parts = parts_of(pattern)
    plain = next((at for at, part in enumerate(parts) if MAGIC.search(part)), len(parts))
    return "/" + "/".join(parts[:plain])


def _state(path: Path, account: Account, unit: Unit | None) -> State:
    try:
        path.stat()
        is_there: bool | None = True
    except PermissionError:
        is_there = None
    except OSError:
        is_there = False
    if unit is not None and str(path) in unit.state_folders:
        is_writable: bool | None = True  # systemd makes it, and gives it to whoever the service is at each start
    elif can_become(account):
        is_writable = bool(ask_as(account, lambda: _is_writable(path)))
    else:
        is_writable = None
    size = _size(path) if is_there else None
    return State(str(path), is_there, is_writable, size, lock_holder(path / "lock"))


def _is_writable(path: Path) -> bool:
    """Whether files can be made in `path`, or it itself where it is not there."""
    for at in (path, *path.parents):
        if at.exists():
            return at.is_dir() and os.access(at, os.W_OK | os.X_OK, effective_ids=True)
    return False


def _size(path: Path) -> int | None:
    try:
        return sum(at.lstat().st_blocks * 512 for at in path.rglob("*") if at.is_file())
    except OSError:
        return None


def _rotation(root: Path) -> tuple[Entry, ...]:
    files = [root / "etc/logrotate.conf", *sorted((root / "etc/logrotate.d").glob("*"))]
    return parse_logrotate((f"/{path.relative_to(root)}", _text(path)) for path in files if path.is_file())


def _versions(root: Path) -> dict[str, str]:
    found = {"logstream": __version__, "Python": platform.python_version(), "SQLite": sqlite3.sqlite_version}
    found["kernel"] = platform.release()
    for path in (root / "opt/logstream/current/lib").glob("python3*/site-packages/logstream_live-*.dist-info"):
        found["service"] = path.name.removeprefix("logstream_live-").removesuffix(".dist-info")
    return found


def _text(path: Path) -> str:
    try:
        return path.read_text("utf-8", "replace")
    except OSError:
        return ""
