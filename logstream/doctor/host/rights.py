"""Whether an account may read files: asked of the kernel as that account where we are root, else told by modes.

Owns the change of user, in a process of its own that ends with the answer. Refuses to change rights.
"""

from __future__ import annotations

import grp
import json
import os
import pwd
import stat
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from logstream.doctor.host.seen import Account, Barred

if TYPE_CHECKING:
    from collections.abc import Callable

    from logstream.doctor.host.units import Unit

DYNAMIC_UID: Final = 65_519
"""A user that stands for one of DynamicUser=: the last that systemd gives (61184 to 65519), who owns no files."""
_ACL: Final = "system.posix_acl_access"


def own_account() -> Account:
    """Who asks."""
    return Account(user_name(os.geteuid()), os.geteuid(), (os.getegid(), *os.getgroups()))


def account_of(unit: Unit, process: str) -> Account:
    """Whom a unit runs as: what `process` (the text of /proc/PID/status) tells, or what it will be."""
    groups = tuple(name for name in unit.words("SupplementaryGroups") if _gid(name) is not None)
    name = unit.last("User") or "logstream"
    facts = dict(line.split(":", 1) for line in process.splitlines() if ":" in line)
    if facts:
        gids = (facts["Gid"].split()[1], *facts.get("Groups", "").split())
        return Account(name, int(facts["Uid"].split()[1]), tuple(map(int, gids)), groups)
    uid, own_gid = DYNAMIC_UID, DYNAMIC_UID
    try:
        known = pwd.getpwnam(unit.last("User"))
        uid, own_gid = known.pw_uid, known.pw_gid
    except KeyError:
        if unit.last("User") == "" and not unit.is_on("DynamicUser"):
            name, uid, own_gid = "root", 0, 0
    gid = _gid(unit.last("Group"))
    gids_of_groups = (found for group in groups if (found := _gid(group)) is not None)
    return Account(name, uid, (own_gid if gid is None else gid, *gids_of_groups), groups)


def can_become(account: Account) -> bool:
    """Whether we can ask as `account`: we are it, with the very same groups, or root."""
    own = own_account()
    if own.uid:
        return own.uid == account.uid and {*own.gids} == {*account.gids}
    # Root of a container may be without the right to become anybody else.
    return ask_as(account, lambda: True) is True


def ask_as(account: Account, ask: Callable[[], Any]) -> Any:  # noqa: ANN401 - what JSON can hold
    """What `ask` answers when `account` asks, made of what JSON can hold; None where that cannot be."""
    if os.geteuid() == account.uid:
        return ask()
    reads, writes = os.pipe()
    with warnings.catch_warnings():
        # The child runs nothing but `ask`, and starts no thread.
        warnings.simplefilter("ignore", DeprecationWarning)
        child = os.fork()
    if child == 0:  # pragma: no cover - in a process of its own
        _answer_as(account, ask, writes)
    os.close(writes)
    with os.fdopen(reads, "rb") as pipe:
        answer = pipe.read()
    os.waitpid(child, 0)
    return json.loads(answer) if answer else None


def _answer_as(account: Account, ask: Callable[[], Any], writes: int) -> None:  # pragma: no cover - as above
    code = 1
    try:
        os.setgroups(account.gids)
        os.setresgid(account.gids[0], account.gids[0], account.gids[0])
        # With the user go all capabilities, also the one to read everything.
        os.setresuid(account.uid, account.uid, account.uid)
        with os.fdopen(writes, "wb") as pipe:
            pipe.write(json.dumps(ask()).encode())
        code = 0
    finally:
        os._exit(code)


def told_by_modes(path: str, account: Account) -> bool | None:
    """Whether `account` may read `path`, from the modes on the way; None where they do not tell it."""
    real = Path(path).resolve()
    for at in (*reversed(real.parents), real):
        try:
            facts = at.stat()
            has_list = _ACL in os.listxattr(at)
        except OSError:
            return None
        wanted = stat.S_IXOTH if at != real else stat.S_IROTH
        if has_list:
            return None
        if not permits(facts, account, wanted):
            return False
    return True


def permits(facts: os.stat_result, account: Account, wanted: int) -> bool:
    """Whether a mode gives `account` the bits `wanted`, put as those for others: the first class it is in decides."""
    if account.uid == 0:
        return True
    shift = 6 if facts.st_uid == account.uid else 3 if facts.st_gid in account.gids else 0
    return (facts.st_mode >> shift) & wanted == wanted


def what_bars(path: str, account: Account) -> Barred:
    """The first directory on the way to `path` that the account may not enter, or else the path itself."""
    real = Path(path).resolve()
    for at in reversed(real.parents):
        try:
            facts = at.stat()
        except OSError:
            return Barred(str(at), 0, "", "")
        if not permits(facts, account, stat.S_IXOTH):
            return _barred(at, facts)
    try:
        return _barred(real, real.stat())
    except OSError:
        return Barred(path, 0, "", "")


def _barred(path: Path, facts: os.stat_result) -> Barred:
    return Barred(str(path), facts.st_mode, user_name(facts.st_uid), _group_name(facts.st_gid))


def user_name(uid: int) -> str:
    """The user's name, or its number."""
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)


def _group_name(gid: int) -> str:
    try:
        return grp.getgrgid(gid).gr_name
    except KeyError:
        return str(gid)


def _gid(name: str) -> int | None:
    try:
        return grp.getgrnam(name).gr_gid
    except KeyError:
        return int(name) if name.isdigit() else None
