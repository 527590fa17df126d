"""What tail says and hears: values that carry a file's story, in order, to whoever remembers it.

Owns the meaning of births, ranges, holes and proofs. Holds no position and does no I/O: the journal above remembers.
Offsets count raw bytes and ends are exclusive. Paths are file system paths (`os.fsencode` gives their bytes); `file` is
the same for people, always valid text.
"""

from __future__ import annotations

import base64
import os
import secrets
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, NamedTuple, Protocol

if TYPE_CHECKING:
    from logstream.records import GapReason

ANCHOR_BYTES = 64
"""How many raw bytes before an offset make its checksum."""
RANGE_BYTES = 1 << 20
"""The longest range."""
LISTED_BYTES = 16 * 1024
"""A range up to this long lists the length of each of its lines; a longer one only counts them."""
_KEY_RANDOM_BYTES = 5


class Birth(NamedTuple):
    """A generation begins. `base` is the offset of the first byte that will be streamed.

    `file` is the path that its lines were written under, for people; it never changes. `path` is where its bytes are
    now. `igen` is the inode's generation number where the file system has one. `head_crc` is the crc32 of its first
    `head_length` bytes, as many (at most 256) as there were when it was found. `written_ns` is when it was last written
    to (epoch nanoseconds). `encoding` is how its bytes seem to be text: a file that is empty still has to show it.
    """

    key: str
    source: str
    file: str
    path: str
    dev: int
    ino: int
    igen: int | None
    base: int
    head_length: int
    head_crc: int
    encoding: str
    written_ns: int | None = None


class Range(NamedTuple):
    """The raw bytes `[start, end)` of generation `key`: whole lines, or fragments of over-long ones; at most 1 MiB.

    `lines` is the length in bytes of each line or fragment, line end included, if the range is at most 16 KiB long;
    else only their number. `lead` holds the `min(64, start)` raw bytes before `start`. Only the last range before a
    `Sealed` may end in a line without its line end. `encoding` is how all of the generation was cut into lines: from
    its first range on it does not change.
    """

    key: str
    start: int
    end: int
    lines: tuple[int, ...] | int
    content: bytes
    lead: bytes
    encoding: str = "utf-8"


class Hole(NamedTuple):
    """Bytes `[start, end)` of generation `key` were there and were lost unread; nobody knows the end if it is None."""

    key: str
    start: int
    end: int | None
    reason: GapReason


class Moved(NamedTuple):
    """Generation `key` now lives at `path`: in another file (dev, ino, igen) with all of it, if `inode` says so."""

    key: str
    path: str
    inode: tuple[int, int, int | None] | None = None


class Cut(NamedTuple):
    """Of what was handed on of generation `key` the bytes from `offset` on are gone; those before it are still there.

    The checksums are those of a `Proof` at `offset`. `Sealed` follows: what comes after in that file is another life.
    """

    key: str
    offset: int
    crc: int
    head_length: int
    head_crc: int


class Sealed(NamedTuple):
    """Generation `key` is finished; `end` is how far it was handed on.

    With a reason (truncated, deleted) its bytes are gone from the disk; with None they are still at its path.
    """

    key: str
    reason: GapReason | None
    end: int


class Proof(NamedTuple):
    """The crc32 of the at most 64 bytes before `offset` of generation `key`, all of which has been handed on.

    `written_ns` is when its file was last written to, as the file system tells it (epoch nanoseconds). The head is that
    of the birth, longer if the file was shorter than 256 bytes then. Whoever remembers all this can give it back in
    `Known`, and a restart can check that a file is still that generation.
    """

    key: str
    offset: int
    crc: int
    head_length: int
    head_crc: int
    written_ns: int | None


class Notice(NamedTuple):
    """Something for people to know about a file (or a directory) of a source; nothing depends on it.

    For `source`, `detail` has `state`: `appeared`, `vanished`, `unreadable`, `untailable` or `readable`, and often
    `reason`. For `rotated` it has `to`, the display text of the path that the old bytes moved to, if that is known.
    """

    kind: Literal["rotated", "source"]
    source: str
    file: str
    detail: dict[str, str]


Change = Birth | Range | Hole | Moved | Cut | Sealed | Proof | Notice


class Batch(NamedTuple):
    """Changes in the order that becomes the recorded order; `time` is when they were seen, in epoch seconds."""

    changes: tuple[Change, ...]
    time: float


class Known(NamedTuple):
    """What is remembered of a generation: the start values of a tail, given in the order of their births.

    `proof_offset` 0 means that there is no proof. `seen_time` (epoch seconds) is when it was last known to be at its
    path; without it, every rotated sibling that is not known is taken to be newer.
    """

    key: str
    source: str
    file: str
    path: str
    dev: int
    ino: int
    igen: int | None
    base: int
    committed: int
    proof_offset: int
    proof_crc: int
    head_length: int
    head_crc: int
    sealed: bool
    seen_time: float | None = None
    written_ns: int | None = None
    """When its file was last written to, as far as was seen; a copy of it cannot have been written last before that."""
    is_gone: bool = False
    """Whether its file is no more: only copies of it may be left, which are not to be taken for something new."""
    encoding: str = "utf-8"
    """How it is cut into lines, for good if anything of it was handed on."""

    @property
    def has_begun(self) -> bool:
        """Whether anything of it was handed on. What is older has been read then; else it may still be waiting."""
        return self.sealed or self.committed > self.base

    @property
    def last_ns(self) -> int | None:
        """When it was last written to, or else last seen, in epoch nanoseconds."""
        if self.written_ns is not None or self.seen_time is None:
            return self.written_ns
        # A second earlier: what was seen had been written before.
        return int((self.seen_time - 1) * 1_000_000_000)


class Sink(Protocol):
    """Takes what tail found."""

    async def accept(self, batch: Batch) -> None:
        """Return when `batch` is durable and published.

        May raise LogstreamError: nothing of the batch was kept then, and the same batch is offered again later.
        """


@dataclass(frozen=True, slots=True)
class SourceSpec:
    """Which files are one source, and how their bytes are read.

    `paths` are absolute globs. `exclude` are absolute globs, or name patterns (no slash) held against a file's name.
    `encoding` is what a file has that does not say it itself by a mark.
    """

    name: str
    paths: tuple[str, ...]
    exclude: tuple[str, ...] = field(default=())
    start: Literal["start", "end"] = "start"
    max_line_bytes: int = 65_536
    encoding: str = "utf-8"


def new_key() -> str:
    """A generation key: 40 random bits as 8 lower-case base32 characters, so that a wiped state never reuses one."""
    return base64.b32encode(secrets.token_bytes(_KEY_RANDOM_BYTES)).decode("ascii").lower()


def display(path: str) -> str:
    """`path` as text that is always valid: what is not UTF-8 in it becomes U+FFFD."""
    return os.fsencode(path).decode("utf-8", "replace")
