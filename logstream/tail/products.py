"""What a processor made of a rotated file, by the names that multilog, svlogd and s6-log give.

They delete a file once it has been processed. Owns which file must be what became of the last known life, whose lines
are told already. Refuses to open any: one that holds those lines as they were is recognised by its bytes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from logstream.tail.moving import has_no_file
from logstream.tail.rotation import is_labelled

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from logstream.tail.lineage import Lineage
    from logstream.tail.rotation import Sibling


def product_among(unseen: Sequence[Sibling], family: Collection[Sibling], lineage: Lineage) -> Sibling | None:
    """The one of the `unseen`, oldest first, that was made from the last life of the lineage; raises OSError.

    That one's file is gone. It was not deleted to make room, as the oldest are: an older one is still there. And it was
    not compressed by somebody: none that is there otherwise was written so late.
    """
    labelled = [sibling for sibling in unseen if is_labelled(sibling.name)]
    if not labelled:
        return None
    last = next((reader for reader in reversed(lineage.readers) if reader.known().has_begun), None)
    written_ns = None if last is None else last.known().written_ns
    if last is None or written_ns is None:
        return None
    seen = [sibling for sibling in {*family}.difference(unseen) if is_labelled(sibling.name)]
    has_older = any(sibling.name.order < labelled[0].name.order for sibling in seen)
    if not has_older or any(sibling.mtime_ns >= written_ns for sibling in seen):
        return None
    return labelled[0] if has_no_file(last) else None
