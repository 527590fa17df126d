"""Whether the end of the record was lost since it was last written, and what that means for ids given out before.

With `durability = "process"` the last transactions before a power loss may be gone. A copy of the state that is put
back lacks all that came after it was made. What is lost is recorded anew, maybe in another order, so an id from before
must not be taken for one of the new order: each generation that was being read gets a new key, and its former one is
kept with the offset up to which it had lasted. Where nothing was lost after all, as with a state that was only moved,
ids lead where they led before.
"""

from __future__ import annotations

import logging
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from logstream.journal import witness
from logstream.journal.errors import JournalError
from logstream.tail.batch import new_key

if TYPE_CHECKING:
    from collections.abc import Callable

    from logstream.journal.held import Statement
    from logstream.journal.ledger import Ledger
    from logstream.journal.life import Life
    from logstream.journal.reading import StoreReading
    from logstream.journal.store import Durability, Store

_LOG = logging.getLogger(__name__)
BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
"""A name for the time since the machine was started, random(4)."""


_IN_USE = """
INSERT INTO usage (id, boot, is_clean, witness) VALUES (1, ?, ?, ?)
ON CONFLICT (id) DO UPDATE
SET boot = excluded.boot, is_clean = excluded.is_clean, witness = coalesce(excluded.witness, witness)
"""
_CLEAN_END = "UPDATE usage SET is_clean = 1, witness = coalesce(?, witness)"
_NEW_WITNESS = "UPDATE usage SET witness = coalesce(?, witness)"
_LAST_LOSS = """
SELECT max(at) FROM (SELECT lost_at AS at FROM usage UNION ALL SELECT at FROM former) WHERE at <= ?
"""


def note_use(store: Store, ledger: Ledger, durability: Durability) -> bool:
    """Note that the state is in use in this boot; True if generations got new keys: the ledger is to be read anew.

    With `durability = "full"` the disk has everything at any time. What counts is how it was written before the loss.
    """
    boot = _boot_id()
    statements: list[Statement] = []
    if _may_have_lost_its_end(store, boot):
        for life in ledger.lives.values():
            if life.sealed_at is None:
                former = (life.generation.key, life.slot, life.committed, ledger.head)
                statements += [
                    ("INSERT INTO former VALUES (?, ?, ?, ?)", former),
                    ("UPDATE generation SET key = ? WHERE slot = ?", (new_key(), life.slot)),
                ]
        statements.append(("UPDATE usage SET lost_at = ? WHERE id = ?", (ledger.head, 1)))

    def write(made: str | None) -> None:
        store.write_through([(_IN_USE, (boot, durability == "full", made)), *statements])

    _with_witness(store, write)
    return bool(statements)


def note_clean_end(store: Store) -> None:
    """Note that all is on the disk: what comes after may be a power loss, and nothing is lost with it."""
    if not store.is_behind:
        _with_witness(store, lambda made: store.write_through([(_CLEAN_END, (made,))]))


def note_witness(store: Store) -> None:
    """Note that this is the state that is written to: it may have been copied, or made anew, since it was opened."""
    with suppress(JournalError):  # then it counts as a copy at the next start, which loses nothing
        _with_witness(store, lambda made: store.write([(_NEW_WITNESS, (made,))]))


def _with_witness(store: Store, write: Callable[[str | None], object]) -> None:
    """Let `write` note a new witness, if one can be made; the former one is there until the disk has that."""
    directory = store.path.parent
    made = None if store.is_behind else witness.make(directory)
    write(made)
    if made is not None and not store.is_behind:
        witness.keep_only(directory, made)


def _may_have_lost_its_end(store: Store, boot: str) -> bool:
    """Whether ids may have been given out of which this state knows nothing."""
    found = store.select("SELECT boot, is_clean, witness FROM usage")
    if not found:
        return False
    last_boot, is_clean, told = found[0]
    if told is not None and not witness.is_there(store.path.parent, told):
        _LOG.warning(
            "%s is a copy, put back or moved here: ids that were given out after it was made go on at its end, "
            "so lines may come twice",
            store.path,
        )
        return True
    return last_boot != boot and not is_clean


def former_life(store: StoreReading, ledger: Ledger, key: str) -> tuple[Life, int, int] | None:
    """The generation that had `key` before a loss, the offset that had lasted, and the place of the loss."""
    found = store.select("SELECT slot, lasted, at FROM former WHERE key = ?", (key,))
    life = ledger.by_slot.get(found[0][0]) if found else None
    return None if life is None else (life, found[0][1], found[0][2])


def place_of_loss(store: StoreReading, life: Life) -> int | None:
    """The place up to which the record had lasted when it lost its end, and `life` was found anew; None if it did not.

    What was known already when the end was lost has a former key: no id of the lost end can be of it by another one.
    """
    at: int | None = store.select(_LAST_LOSS, (life.birth_at,))[0][0]
    return at


def _boot_id() -> str:
    try:
        return BOOT_ID.read_text(encoding="ascii").strip()
    except OSError:
        return ""
