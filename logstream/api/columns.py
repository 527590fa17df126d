"""JSON of many values at a time: what a call of the encoder costs is paid once for all lines of a block.

Owns how records are written that exist only as lists, one for each member; what it makes is what `encode_json` makes of
each record. Refuses to know events. Pure.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
import orjson

from logstream.hub.frames import LINE_EVENT
from logstream.records import Level

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from logstream.hub.frames import Columns

    Part = bytes | Sequence[bytes]

# JSON has no raw line feed in any text, so these part values from each other and nothing else.
_PARTING: Final = orjson.Fragment(b"\n")
_PARTED: Final = b",\n,"
_INDENTED: Final = b",\n  "
_FIRST_PRINTABLE: Final = 0x20
# A list by number and no mapping: hashing an enum's member costs more than all else here.
_LEVEL_WORDS: Final = [b""] * (max(Level) + 1)
for _level in Level:
    _LEVEL_WORDS[_level] = _level.word.encode()


def encode_json(value: object) -> bytes:
    """One line of JSON: orjson escapes all control characters, so nothing in it can end an SSE line."""
    return orjson.dumps(value)


def encode_all(values: Sequence[object]) -> list[bytes]:
    """`encode_json` of each."""
    if not values:
        return []
    parted: list[object] = [_PARTING] * (2 * len(values) - 1)
    parted[::2] = values
    return orjson.dumps(parted)[1:-1].split(_PARTED)


def interleaved(parts: Sequence[Part], count: int) -> bytes:
    """The first of each part, then the second of each, and so on; a part that is no list is the same each time."""
    pieces = [b""] * (len(parts) * count)
    for number, part in enumerate(parts):
        pieces[number :: len(parts)] = [part] * count if isinstance(part, bytes) else part
    return b"".join(pieces)


def json_of_columns(columns: Columns) -> list[bytes]:
    """`encode_json` of each of the records."""
    return around_json(columns, (), (b"\n",)).split(b"\n")[:-1]


def around_json(columns: Columns, before: Sequence[Part], after: Sequence[Part]) -> bytes:
    """`encode_json` of each of the records with what stands `before` and `after` each, joined."""
    return interleaved(_condensed([*before, *_json_parts(columns), *after]), len(columns.texts))


def _json_parts(columns: Columns) -> list[Part]:
    """The JSON of records, in the order in which a record's members are told."""
    source, file = encode_json(columns.generation.source), encode_json(columns.generation.file)
    ids: list[Part] = [b"null"] if columns.ids is None else [b'"', columns.ids, b'"']
    parts: list[Part] = [b'{"id":', *ids, b',"source":%b,"file":%b,"time":"' % (source, file), columns.times]
    parts += [b'","level":"', list(map(_LEVEL_WORDS.__getitem__, columns.levels)), b'","event":']
    # What needs no escapes in the lines needs none in what is taken from them.
    are_plain = _are_plain(columns.texts)
    parts += [_known(columns.events, LINE_EVENT), b',"text":', *_strings(columns.texts, are_plain), b',"fields":{']
    for number, (name, texts) in enumerate(columns.fields.items()):
        strings = _strings(texts, are_plain or _are_plain(texts))
        parts += [b"%b%b:" % (b"," if number else b"", encode_json(name)), *strings]
    parts += [b'},"rules":', _known(columns.rules, ()), b',"cont":false}']
    return parts


def _known(values: Sequence[object] | None, common: object) -> Part:
    """JSON of values that are few, many times over; without any, that of the `common` one."""
    if values is None:
        return encode_json(common)
    known = {value: encode_json(value) for value in set(values)}
    return [known[value] for value in values]


def _strings(texts: Sequence[bytes], are_plain: bool) -> list[Part]:  # noqa: FBT001 - of the texts
    """JSON strings of texts without line feeds."""
    if are_plain:
        return [b'"', texts, b'"']
    indented = orjson.dumps(b"\n".join(texts).decode().split("\n"), option=orjson.OPT_INDENT_2)
    return [indented[len("[\n  ") : -len("\n]")].split(_INDENTED)]


def _are_plain(texts: Sequence[bytes]) -> bool:
    """Whether a JSON string of each is the text itself in quotes."""
    joined = b"\n".join(texts)
    if b'"' in joined or b"\\" in joined:
        return False
    controls = np.count_nonzero(np.frombuffer(joined, np.uint8) < _FIRST_PRINTABLE)
    return int(controls) == len(texts) - 1


def _condensed(parts: Iterable[Part]) -> list[Part]:
    """The parts with neighbours that stay the same made one."""
    found: list[Part] = []
    for part in parts:
        if found and isinstance(part, bytes) and isinstance(found[-1], bytes):
            found[-1] += part
        else:
            found.append(part)
    return found
