"""Which text encodings a source may have: those in which a byte below 128 is that ASCII character, always.

Lines are found, and patterns matched, on raw bytes; an encoding with other uses for the byte 0x0A cannot be read so.
"""

from __future__ import annotations

import codecs
from functools import lru_cache

from logstream.config.problems import RefusalError, nearest_name, quote

_EXPECTED = '"utf-8", or an encoding of one byte a character such as "latin-1" or "cp1252"'
_COMMON = ("utf-8", "latin-1", "ascii", "iso8859-1", "iso8859-15", "cp1250", "cp1251", "cp1252", "koi8-r")
_WIDE = ("utf-16", "utf-32")
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
    if codec.name.startswith(_WIDE):
        message = f"{quote(name)} is not supported yet"
        raise RefusalError(message, expected=_EXPECTED)
    if codec.name != "utf-8" and not _is_single_byte(codec.name):
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
