"""How far the rules go: what the service is known not to hold yet, each a switch that is off until it does.

A switch is turned on with `--beyond NAME`, and by default once its tests of its own pass. Owns no rule.
"""

from __future__ import annotations

from typing import NamedTuple


class Reach(NamedTuple):
    """What the rules may do beyond what is held today."""

    replaces_beside_copies: bool = True
    """A log that has copies beside it gets another file: a copy must not be told again."""
    moves_unseen_truncations: bool = True
    """A log is copied, truncated and replaced between two looks: the copy must be read from where reading was."""
    packs_unread_copies: bool = True
    """A copy is compressed before the truncation was seen: the rest must be read in the archive."""
    reads_during_rewrites: bool = True
    """A client comes back, or lags, while a file has been written anew and nobody has looked: what it reads of the old
    bytes must be a gap, and its id must still be known."""
    replaces_with_more: bool = True
    """A log is replaced by a file that begins with all of it: what was told must not come again."""
    copies_in_the_glob: bool = True
    """A glob matches the copies too."""
    packs_in_the_glob: bool = True
    """A glob matches the compressed files too: what was told from a rotated file must not be told again from those."""
    compresses_at_once: bool = True
    """While the service is up, rotated files are compressed before it has looked, one after the other."""
    fills_the_disk: bool = False
    """The state's disk, a small one of its own, fills up and is freed: needs root. With some seeds it does anyway."""


TODAY = Reach()
