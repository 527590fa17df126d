"""JSON of many values at a time: what a call of the encoder costs is paid once for all lines of a block.

Owns how records are written that exist only as lists, one for each member; what it makes is what `encode_json` makes of
each record. Refuses to know events. Pure.
"""

from __future__ import annotations

from functools import lru_cache
from itertools import accumulate
from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np
import orjson

from logstream.api.pieces import woven
from logstream.sse import check_type

if TYPE_CHECKING:
    from collections.abc import Sequence

    from logstream.api.pieces import Part
    from logstream.hub.frames import Columns, Shared

# JSON has no raw line feed in any text, so these part values from each other and nothing else.
_PARTING: Final = orjson.Fragment(b"\n")
_PARTED: Final = b",\n,"
_SHARED_KNOWN: Final = 4096
_LF: Final = 0x0A
_FIRST_PRINTABLE: Final = 0x20
_ESCAPES: Final = {byte: orjson.dumps(chr(byte))[1:-1] for byte in range(_FIRST_PRINTABLE)}


def encode_json(value: object) -> bytes:
    """One line of JSON: orjson escapes all control characters, so nothing in it can end an SSE line."""
    return orjson.dumps(value)


@lru_cache(maxsize=256)
def event_head(event_type: str) -> bytes:
    """What stands before an event's data."""
    return b"event: %b\ndata: " % check_type(event_type).encode()


def encode_all(values: Sequence[object]) -> list[bytes]:
    """`encode_json` of each."""
    if not values:
        return []
    parted: list[object] = [_PARTING] * (2 * len(values) - 1)
    parted[::2] = values
    return orjson.dumps(parted)[1:-1].split(_PARTED)


def json_of_columns(columns: Columns) -> list[bytes]:
    """`encode_json` of each of the records."""
    _, parts = _parts(columns)
    (pieces,) = woven([*parts, b"\n"], [len(columns.messages)])
    return b"".join(pieces).split(b"\n")[:-1]


def batches_of_columns(columns: Columns, counts: Sequence[int]) -> list[bytes]:
    """A `batch` event of each so many of the records, with the id of its last."""
    _, parts = _parts(columns)
    found = []
    for pieces, end in zip(woven([*parts, b","], counts), accumulate(counts), strict=True):
        pieces[0] = b"%b[%b" % (event_head("batch"), pieces[0])
        after_id = b"" if columns.ids is None else b"\nid: %b" % bytes(columns.ids[end - 1])
        pieces[-1] = b"%b]%b\n\n" % (pieces[-1][:-1], after_id)
        found.append(b"".join(pieces))
    return found


def events_of_columns(columns: Columns, counts: Sequence[int]) -> list[bytes]:
    """An event of each of the records, with its id, joined for each so many."""
    heads, parts = _parts(columns)
    ids: list[Part] = [] if columns.ids is None else [b"\nid: ", columns.ids]
    return [b"".join(pieces) for pieces in woven([heads, *parts, *ids, b"\n\n"], counts)]


def _parts(columns: Columns) -> tuple[Part, list[Part]]:
    """What stands before an event's data, and the JSON of records, in the order in which their members are told."""
    heads, levels, headings, fields, ends = _of_kinds(columns)
    texts, messages = _strings(columns)
    text: list[Part] = [texts] if columns.stamps is None else [columns.stamps, headings, messages]
    source = encode_json(columns.generation.source)
    ids: list[Part] = [b"null"] if columns.ids is None else [b'"', columns.ids, b'"']
    before: list[Part] = [b'{"id":', *ids, b',"source":%b,"file":' % source, _files(columns), b',"time":"']
    return heads, [*before, columns.times, levels, *text, fields, messages, ends]


def _files(columns: Columns) -> Part:
    if columns.files is None:
        return encode_json(columns.generation.file)
    known = {file: encode_json(file) for file in set(columns.files)}
    return [known[file] for file in columns.files]


class Written(NamedTuple):
    """What is written of what records have in common, wherever in them it stands."""

    head: bytes
    level: bytes
    heading: bytes
    fields: bytes
    end: bytes


@lru_cache(maxsize=_SHARED_KNOWN)
def _write(shared: Shared) -> Written:
    pairs = b"".join(b"%b:%b," % (encode_json(name), encode_json(text.decode())) for name, text in shared.fields)
    return Written(
        event_head(shared.event),
        b'","level":"%b","event":%b,"text":"' % (shared.level.word.encode(), encode_json(shared.event)),
        encode_json(shared.heading.decode())[1:-1],
        b'","fields":{%b"message":"' % pairs,
        b'"},"rules":%b,"cont":false}' % encode_json(shared.rules),
    )


def _of_kinds(columns: Columns) -> list[Part]:
    """Each member of `Written` in each of the records."""
    written = [_write(shared) for shared in columns.shared]
    parts: list[Part] = []
    for pieces in zip(*written, strict=True):
        if len(set(pieces)) == 1:
            parts.append(pieces[0])
        else:
            parts.append(np.array(pieces, object)[columns.kinds].tolist())
    return parts


def _strings(columns: Columns) -> tuple[Sequence[bytes], Sequence[bytes]]:
    """Texts and messages as they stand in JSON strings."""
    # What needs no escapes in the lines needs none in what is taken from them.
    if columns.whole is not None and not _needs_escapes(columns.whole):
        return columns.texts, columns.messages
    return _escaped(columns.texts), _escaped(columns.messages)


def _needs_escapes(text: bytes) -> bool:
    return b'"' in text or b"\\" in text or bool(_controls(text))


def _escaped(texts: Sequence[bytes]) -> Sequence[bytes]:
    """Texts as they stand in JSON strings."""
    if not texts:
        return texts
    joined = b"\n".join(texts)
    controls = _controls(joined)
    written = joined.replace(b"\\", b"\\\\").replace(b'"', b'\\"')
    for control in controls:
        written = written.replace(bytes((control,)), _ESCAPES[control])
    return texts if written is joined else written.split(b"\n")


def _controls(joined: bytes) -> bytes:
    """Which control characters there are beside line feeds."""
    characters = np.frombuffer(joined, np.uint8)
    are_controls = characters < _FIRST_PRINTABLE
    if np.count_nonzero(are_controls) == np.count_nonzero(characters == _LF):
        return b""
    return bytes(np.flatnonzero(np.bincount(characters[are_controls])).tolist()).replace(b"\n", b"")
