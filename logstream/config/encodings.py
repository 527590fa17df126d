"""Which text encodings a source may have: UTF-16, and those in which a byte below 128 is that ASCII character, always.

Lines are found on raw bytes; an encoding with other uses for the byte 0x0A cannot be read so, but for UTF-16, which has
a cut of its own.
"""

from __future__ import annotations

import codecs
from functools import lru_cache

from logstream.config.problems import RefusalError, nearest_name, quote

_EXPECTED = '"utf-8", "utf-16", "utf-16-le", "utf-16-be", or an encoding of one byte a character such as "latin-1"'
_COMMON = (
    "utf-8",
    "utf-16",
    "utf-16-le",
    "utf-16-be",
    "latin-1",
    "ascii",
    "iso8859-1",
    "iso8859-15",
    "cp1250",
    "cp1251",
    "cp1252",
    "koi8-r",
)
_WIDE = ("utf-16", "utf-16-le", "utf-16-be")
# ASCII that means something else in unicode_escape, utf-7, hz and the iso-2022 family.
_ESCAPES = b"\\n\\x41\\u0041 +AGE- ~{!!~} \x1b$B!!\x1b(B \x0e!\x0f"


@lru_cache(maxsize=64)
def canonical_encoding(name: str) -> str:
    """Python's own name of the encoding `name`; raises RefusalError for one that does not exist or cannot be read."""
    try:
        codec = codecs.lookup(name)
    except (LookupError, ValueError):
        message = f"found {quote(name)}, which is no known encoding"
        raise RefusalError(message, expected=_EXPECTED, nearest=nearest_name(name, _COMMON)) from None
    if codec.name not in {"utf-8", *_WIDE} and not _is_single_byte(codec.name):
        message = f"{quote(name)} is not supported"
        raise RefusalError(message, expected=_EXPECTED)
    return codec.name


def _is_single_byte(name: str) -> bool:
    """Whether each byte is one character, whatever stands beside it, and ASCII stays ASCII."""
    try:
        for sample in (_ESCAPES, bytes(range(128))):
            if sample.decode(name) != sample.decode("ascii"):
                return False
        pairs = (bytes((high, low)) for high in range(128, 256) for low in range(64, 256))
        return all(len(pair.decode(name, "replace")) == len(pair) for pair in pairs)
    except (UnicodeError, LookupError):
        return False
