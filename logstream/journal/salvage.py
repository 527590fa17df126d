"""Copies of a whole state: into memory where its disk takes nothing, and back to its path where it was deleted.

Owns no connection that it did not open. What a state means is for `store` and those above it.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
from contextlib import closing, suppress
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

_LOG_ENDINGS = ("-wal", "-shm")


def copy_into(memory: sqlite3.Connection, path: Path) -> None:
    """Copy the state at `path` with its write-ahead log, writing nothing there; raises OSError or sqlite3.Error."""
    failure: OSError | sqlite3.Error | None = None
    for parent in (None, "/dev/shm"):  # noqa: S108 - the room may be the very one that is full
        try:
            with TemporaryDirectory(prefix="logstream-state-", dir=parent) as scratch:
                copied = os.path.join(scratch, path.name)  # noqa: PTH118 - a name for SQLite
                for ending in ("", "-wal"):
                    with suppress(FileNotFoundError):
                        shutil.copyfile(f"{path}{ending}", f"{copied}{ending}")
                with closing(sqlite3.connect(copied)) as source:
                    source.backup(memory)
        except (OSError, sqlite3.Error) as error:
            failure = error
        else:
            return
    if failure is not None:
        raise failure


def put_back(open_state: sqlite3.Connection, path: Path) -> None:
    """Write a state whose file was deleted to its path again: it can be read as long as it is open.

    Raises OSError or sqlite3.Error. What has that name meanwhile is left as it is.
    """
    with suppress(FileNotFoundError):
        if path.stat().st_size:
            return
    path.parent.mkdir(parents=True, exist_ok=True)
    for ending in _LOG_ENDINGS:
        # A log that was left behind would be taken for that of the new file.
        path.with_name(path.name + ending).unlink(missing_ok=True)
    draft = path.with_name(path.name + ".new")
    draft.unlink(missing_ok=True)
    with closing(sqlite3.connect(draft)) as target:
        open_state.backup(target)
    draft.replace(path)


def inode_of(path: Path) -> int | None:
    """Which file has the name; None if there is none."""
    try:
        return path.stat().st_ino
    except OSError:
        return None
