"""From what was seen of a machine to findings: what is as it should be, what is not, and why that matters.

Pure. Owns the thresholds and the words. Refuses to know how it was seen.
"""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING, Final

from logstream.doctor.findings import Finding, Severity
from logstream.doctor.host.files import judge_files, judge_sandbox
from logstream.doctor.host.logrotate import entry_for

if TYPE_CHECKING:
    from collections.abc import Iterator

    from logstream.doctor.host.logrotate import Entry
    from logstream.doctor.host.seen import Disk, HostSeen, Inotify, State

_MIB: Final = 1024 * 1024
_LITTLE_BYTES, _NOTHING_BYTES = 1024 * _MIB, 64 * _MIB
_LITTLE_PART: Final = 0.05
_INSTANCES_NEEDED: Final = 2
_AHEAD_SECONDS: Final = 60
_SEE_SERVICE: Final = "    systemctl status logstream\n    journalctl -u logstream -n 20"


def judge_host(seen: HostSeen) -> tuple[Finding, ...]:
    """Every finding, in the order in which one would look for a fault."""
    found = [*_config(seen), *_service(seen), *judge_files(seen), *judge_sandbox(seen), *_rotation(seen)]
    if seen.inotify is not None:
        found += _inotify(seen.inotify, is_running=_is_running(seen))
    if seen.state is not None:
        found.append(_state(seen.state))
    if seen.disk is not None:
        found.append(_disk(seen.disk))
    return (*found, *_clock(seen), *_versions(seen))


def _is_running(seen: HostSeen) -> bool:
    return bool(seen.main_pid or (seen.state is not None and seen.state.holder))


def _config(seen: HostSeen) -> Iterator[Finding]:
    config = seen.config
    check = f"    logstream check --config {shlex.quote(config.path)}"
    why = "the service does not start with it, and one that runs keeps the configuration from before"
    for mistake in config.mistakes:
        yield Finding(Severity.ERROR, "configuration", mistake, why, check)
    for warning in config.warnings:
        yield Finding(Severity.WARNING, "configuration", warning, "it is allowed, and probably not meant", check)
    if not config.mistakes and not config.warnings:
        yield Finding(Severity.OK, "configuration", f"{config.path}: sources: {config.sources}, rules: {config.rules}")


def _service(seen: HostSeen) -> Iterator[Finding]:
    who = f"as {seen.account.name} ({seen.account.uid})"
    if seen.unit is None:
        yield Finding(Severity.OK, "service", f"no unit of systemd runs with it: examined {who}")
    elif seen.main_pid:
        yield Finding(Severity.OK, "service", f"runs {who}")
    else:
        yield Finding(Severity.ERROR, "service", "is installed and does not run", "nobody gets a line", _SEE_SERVICE)


def _rotation(seen: HostSeen) -> Iterator[Finding]:
    told: dict[tuple[str, Entry], str] = {}
    for glob in seen.globs:
        for path in glob.files:
            entry = entry_for(path, seen.rotation)
            if entry is not None:
                told.setdefault((glob.source, entry), path)
    for (source, entry), path in told.items():
        yield _rotated(source, entry, path)


def _rotated(source: str, entry: Entry, path: str) -> Finding:
    mode = entry.mode
    seen = f"{source}: {path} by {mode.way} ({entry.file})"
    if mode.way == "copy":
        why = "the file is copied and never cut: it grows until the disk is full"
        return Finding(Severity.WARNING, "rotation", seen, why, f"    # in {entry.file}:\n    create")
    if mode.way != "copytruncate":
        return Finding(Severity.OK, "rotation", seen)
    beside = path.rpartition("/")[0]
    if mode.keeps and mode.folder.rstrip("/") in {"", ".", beside}:
        return Finding(Severity.OK, "rotation", f"{seen}, with copies beside it")
    lacks = f"its copies go to {mode.folder}" if mode.keeps else "it keeps no copy"
    why = "what was not read when the file is cut is looked for in a copy beside it, and is lost without one"
    remedy = f"    # in {entry.file}, for programs that open their log anew:\n    create\n    # for others:\n    "
    remedy += "copytruncate\n    rotate 7\n    noolddir"
    return Finding(Severity.WARNING, "rotation", f"{seen}; {lacks}", why, remedy)


def _inotify(inotify: Inotify, *, is_running: bool) -> Iterator[Finding]:
    why = "nothing is lost without it, and files are looked at from time to time instead: lines come later"
    file = "/etc/sysctl.d/60-logstream.conf"
    lines = "    echo '{}' | sudo tee -a " + file + "\n    sudo sysctl --system"
    if inotify.watches_needed > inotify.watches:
        seen = f"{inotify.watches_needed} watches are needed, one user may have {inotify.watches}"
        remedy = lines.format(f"fs.inotify.max_user_watches = {max(65_536, 2 * inotify.watches_needed)}")
        yield Finding(Severity.WARNING, "inotify", seen, why, remedy)
    if inotify.instances_used + (0 if is_running else _INSTANCES_NEEDED) > inotify.instances:
        seen = f"{inotify.instances_used} instances are in use, one user may have {inotify.instances}"
        remedy = lines.format(f"fs.inotify.max_user_instances = {max(512, 2 * inotify.instances)}")
        yield Finding(Severity.WARNING, "inotify", seen, why, remedy)
        return
    if inotify.watches_needed <= inotify.watches:
        yield Finding(Severity.OK, "inotify", f"{inotify.watches_needed} of {inotify.watches} watches are needed")


def _state(state: State) -> Finding:
    why = "it knows where each viewer goes on after a restart; the service does not start without it"
    quoted = shlex.quote(state.path)
    if state.is_writable is False:
        remedy = f"    sudo chown USER-OF-THE-SERVICE {quoted}    # or another directory: [state] dir"
        return Finding(Severity.ERROR, "state", f"{state.path} cannot be written to", why, remedy)
    if state.is_there is None or state.is_writable is None:
        seen = f"{state.path}: only root can tell"
        return Finding(Severity.WARNING, "state", seen, why, "    sudo logstream doctor")
    if not state.is_there:
        return Finding(Severity.OK, "state", f"{state.path} will be made")
    size = "of unknown size" if state.size_bytes is None else f"{state.size_bytes / _MIB:.1f} MiB"
    held = f"locked by process {state.holder}" if state.holder else "no process has locked it"
    return Finding(Severity.OK, "state", f"{state.path}, {size}, {held}")


def _disk(disk: Disk) -> Finding:
    seen = f"{disk.free_bytes / _MIB:.0f} of {disk.total_bytes / _MIB:.0f} MiB are free where the state is"
    why = "without room for its state, the service tells of no new line until there is some"
    remedy = "    df -h; sudo du -xh / | sort -h | tail -20"
    if disk.inodes and disk.free_inodes < 1 + disk.inodes // 1000:
        seen = f"{disk.free_inodes} of {disk.inodes} inodes are free where the state is"
        return Finding(Severity.ERROR, "disk", seen, why, "    df -i; sudo du -x --inodes / | sort -n | tail -20")
    if disk.free_bytes < _NOTHING_BYTES:
        return Finding(Severity.ERROR, "disk", seen, why, remedy)
    if disk.free_bytes < min(_LITTLE_BYTES, disk.total_bytes * _LITTLE_PART):
        return Finding(Severity.WARNING, "disk", seen, why, remedy)
    return Finding(Severity.OK, "disk", seen)


def _clock(seen: HostSeen) -> Iterator[Finding]:
    clock = seen.clock
    if clock is None:
        return
    why = "searches by time and the page's clock go by it: lines appear at times at which they were not written"
    if clock.ahead_seconds > _AHEAD_SECONDS:
        told = f"{clock.newest} was written {clock.ahead_seconds:.0f} s from now"
        yield Finding(Severity.WARNING, "clock", told, why, "    timedatectl\n    sudo timedatectl set-ntp true")
    if clock.is_synchronised is None:
        yield Finding(Severity.OK, "clock", "the kernel does not tell whether anything keeps it right")
    elif clock.is_synchronised:
        yield Finding(Severity.OK, "clock", "is kept right")
    else:
        yield Finding(Severity.WARNING, "clock", "nothing keeps it right", why, "    sudo timedatectl set-ntp true")


def _versions(seen: HostSeen) -> Iterator[Finding]:
    versions = dict(seen.versions)
    runs = versions.pop("service", "")
    told = ", ".join(f"{name} {version}" for name, version in versions.items())
    if seen.unit is not None and runs and runs != versions["logstream"]:
        why = "what was installed since then does not run yet"
        yield Finding(
            Severity.WARNING, "versions", f"{told}; the service runs {runs}", why, "    sudo logstream upgrade"
        )
    else:
        yield Finding(Severity.OK, "versions", told)
