"""Judges what the service's user may read, and what its sandbox lets it see. Pure."""

from __future__ import annotations

import shlex
import stat
from typing import TYPE_CHECKING, Final

from logstream.doctor.findings import Finding, Severity
from logstream.doctor.host.units import hider_of, is_below, may_write

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from logstream.doctor.host.seen import Barred, GlobSeen, HostSeen

_NAMED_AT_MOST: Final = 3
_EDIT: Final = "    sudo systemctl edit logstream    # and put there:\n    [Service]\n    "
_RESTART: Final = "\n    # then: sudo systemctl restart logstream"
_COVERED: Final = {"ProtectHome=tmpfs"}
_OPENED: Final = {
    "ProtectHome": "ProtectHome=tmpfs\n    ",
    "InaccessiblePaths": "InaccessiblePaths=    # forgets those of the unit: put back those that are meant\n    ",
}
"""What makes room for a bind mount where something is inaccessible."""
_WHY_UNREAD: Final = "none of its lines is shown"


def judge_files(seen: HostSeen) -> Iterator[Finding]:
    """One finding for each glob."""
    for glob in seen.globs:
        yield _glob(glob, seen, is_alone=not any(other.files for other in seen.globs if other.source == glob.source))


def judge_sandbox(seen: HostSeen) -> Iterator[Finding]:
    """What the unit hides of what the configuration names."""
    unit = seen.unit
    if unit is None:
        return
    is_clear = True
    for glob in seen.globs:
        hidden = {
            path: setting for path in (glob.base, *glob.files, *glob.targets) if (setting := hider_of(unit, path))
        }
        for setting in dict.fromkeys(hidden.values()):
            is_clear = False
            yield _hidden(glob, setting, [path for path, by in hidden.items() if by == setting])
    if seen.state is not None and not may_write(unit, seen.state.path):
        is_clear = False
        why = "the service does not start: what it must remember cannot be written"
        remedy = f"{_EDIT}ReadWritePaths={seen.state.path}{_RESTART}"
        told = f"ProtectSystem=strict keeps {seen.state.path} from being written to"
        yield Finding(Severity.ERROR, "sandbox", told, why, remedy)
    if is_clear and seen.globs:
        yield Finding(Severity.OK, "sandbox", "the unit hides none of the files")


def _hidden(glob: GlobSeen, setting: str, paths: Sequence[str]) -> Finding:
    is_all = glob.base in paths
    folder = glob.base if is_all and glob.base != glob.pattern else paths[0].rpartition("/")[0] or "/"
    told = f"{glob.source}: {glob.pattern}: " + ("is" if is_all else f"{_some(paths)} is")
    why = "the service does not see it, whoever it runs as: to it there is no such file"
    first = _OPENED.get(setting.partition("=")[0], "") if setting not in _COVERED else ""
    remedy = f"{_EDIT}{first}BindReadOnlyPaths={folder}{_RESTART}"
    return Finding(Severity.ERROR, "sandbox", f"{told} hidden by {setting} of the unit", why, remedy)


def _glob(glob: GlobSeen, seen: HostSeen, *, is_alone: bool) -> Finding:
    name = f"{glob.source}: {glob.pattern}"
    who = seen.account.name
    if glob.barred:
        shut = [barred.path for barred in glob.barred]
        closed = sum(any(is_below(path, at) for at in shut) for path in glob.files)
        severity = Severity.ERROR if closed == len(glob.files) else Severity.WARNING
        told = f"{name}: {who} cannot read {_some([_shown(barred) for barred in glob.barred])}"
        return Finding(severity, "files", told, _WHY_UNREAD, _open(glob.barred, seen))
    if glob.unknown:
        told = f"{name}: cannot tell whether {who} may read {_some(glob.unknown)}"
        why = "an access list, or a closed directory on the way: only root can ask in the service's place"
        return Finding(Severity.WARNING, "files", told, why, "    sudo logstream doctor")
    if not glob.files:
        others = "; ".join(f"{path} {why}" for path, why in glob.others[:_NAMED_AT_MOST])
        told = f"{name}: no file matches" + (f" ({others})" if others else "")
        if not is_alone and not others:
            return Finding(Severity.OK, "files", f"{told}; others of the source do")
        remedy = f"    ls -l {shlex.quote(glob.base)}    # is the path right, and does the program write there yet?"
        return Finding(
            Severity.WARNING, "files", told, "the source waits for one, and shows no line until then", remedy
        )
    number = "1 file" if len(glob.files) == 1 else f"{len(glob.files)} files"
    return Finding(Severity.OK, "files", f"{name}: {number}, readable for {who}")


def _shown(barred: Barred) -> str:
    rights = f"{stat.filemode(barred.mode)} {barred.owner}:{barred.group}" if barred.mode else "not looked into"
    return f"{barred.path} ({rights})"


def _some(names: Sequence[str]) -> str:
    more = len(names) - _NAMED_AT_MOST
    return ", ".join(names[:_NAMED_AT_MOST]) + (f" and {more} more" if more > 0 else "")


def _open(barred: Sequence[Barred], seen: HostSeen) -> str:
    """The lines that let the account in: by its groups where those may, else by rights for one of them."""
    lines = []
    if groups := sorted({at.group for at in barred if _lets_group_in(at)}):
        if seen.unit is not None:
            lines.append(f"{_EDIT}SupplementaryGroups={' '.join(groups)}{_RESTART}")
        else:
            lines.append(f"    sudo usermod -aG {','.join(groups)} {seen.account.name}    # and log in anew")
    for at in [at for at in barred if not _lets_group_in(at)][:_NAMED_AT_MOST]:
        path, rights = shlex.quote(at.path), "rx" if stat.S_ISDIR(at.mode) else "r"
        if seen.unit is None:
            lines.append(f"    sudo setfacl -m u:{seen.account.name}:{rights} {path}")
        elif seen.account.groups:
            lines.append(f"    sudo chgrp {seen.account.groups[0]} {path} && sudo chmod g+{rights} {path}")
        else:
            lines.append(f"    sudo chmod o+{rights} {path}")
    return "\n".join(lines)


def _lets_group_in(barred: Barred) -> bool:
    """Whether it would help to be in the file's group; that of root nobody should join for a log."""
    wanted = stat.S_IRGRP | (stat.S_IXGRP if stat.S_ISDIR(barred.mode) else 0)
    return barred.group != "root" and barred.mode & wanted == wanted
