"""Whether the machine went down since the state was last written, and what that means for ids given out before.

With `durability = "process"` the last transactions before a power loss may be gone. What they recorded is recorded
anew, maybe in another order, so an id from before must not be taken for one of the new order: each generation that was
being read gets a new key, and its former one is kept with the offset up to which it had lasted.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from logstream.tail.batch import new_key

if TYPE_CHECKING:
    from logstream.journal.held import Statement
    from logstream.journal.ledger import Ledger
    from logstream.journal.life import Life
    from logstream.journal.reading import StoreReading
    from logstream.journal.store import Durability, Store

BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
"""A name for the time since the machine was started, random(4)."""


_IN_USE = """
INSERT INTO usage VALUES (1, ?, ?, NULL)
ON CONFLICT (id) DO UPDATE SET boot = excluded.boot, is_clean = excluded.is_clean
"""


def note_boot(store: Store, ledger: Ledger, durability: Durability) -> bool:
    """Note that the state is in use in this boot; True if generations got new keys: the ledger is to be read anew.

    With `durability = "full"` the disk has everything at any time. What counts is how it was written before the loss.
    """
    boot = _boot_id()
    before = store.select("SELECT boot, is_clean FROM usage")
    statements: list[Statement] = []
    if before and before[0][0] != boot and not before[0][1]:
        for life in ledger.lives.values():
            if life.sealed_at is None:
                former = (life.generation.key, life.slot, life.committed, ledger.head)
                statements += [
                    ("INSERT INTO former VALUES (?, ?, ?, ?)", former),
                    ("UPDATE generation SET key = ? WHERE slot = ?", (new_key(), life.slot)),
                ]
        statements.append(("UPDATE usage SET lost_at = ? WHERE id = ?", (ledger.head, 1)))
    has_new_keys = bool(statements)
    statements.insert(0, (_IN_USE, (boot, durability == "full")))
    store.write_through(statements)
    return has_new_keys


def note_clean_end(store: Store) -> None:
    """Note that all is on the disk: what comes after may be a power loss, and nothing is lost with it."""
    if not store.is_behind:
        store.write_through([("UPDATE usage SET is_clean = ? WHERE id = ?", (1, 1))])


def former_life(store: StoreReading, ledger: Ledger, key: str) -> tuple[Life, int, int] | None:
    """The generation that had `key` before a power loss, the offset that had lasted, and the place of the loss."""
    found = store.select("SELECT slot, lasted, at FROM former WHERE key = ?", (key,))
    life = ledger.by_slot.get(found[0][0]) if found else None
    return None if life is None else (life, found[0][1], found[0][2])


def place_of_power_loss(store: StoreReading) -> int | None:
    """The place up to which the record had lasted when the machine last went down; None if it never did."""
    found = store.select("SELECT lost_at FROM usage")
    return found[0][0] if found else None


def _boot_id() -> str:
    try:
        return BOOT_ID.read_text(encoding="ascii").strip()
    except OSError:
        return ""
