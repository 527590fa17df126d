"""Chunks of a body as HTTP/1.1 frames them (RFC 9112, section 7.1), each framed once for all connections.

Owns a few of the framed chunks of late: what many clients are sent at once is one object for all of them, in the
buffers of their connections too. Refuses to know who sends what.
"""

from __future__ import annotations

from typing import Final

_KEPT: Final = 32
_FEWEST_BYTES: Final = 1024
"""Less is framed as fast as it is found, and most of it is one client's own."""
_LINE_END: Final = b"\r\n"


class FramedChunks:
    """Framing with a memory of `_KEPT` chunks."""

    def __init__(self) -> None:
        """Nothing is framed yet."""
        # By identity: chunks that are shared are the same object. Held here, so no other object gets its id.
        self._known: dict[int, tuple[bytes, tuple[bytes] | None]] = {}

    def framed(self, chunk: bytes) -> tuple[bytes, ...]:
        """The chunk, which must not be empty, as it goes out: one piece or several.

        What is seen for the first time is no copy of the chunk: many who lag hold the same one in their connections'
        buffers then, however far apart they are. What is seen again is one piece, which is the fastest to write.
        """
        size_bytes = len(chunk)
        if size_bytes < _FEWEST_BYTES:
            return (b"%x\r\n%b\r\n" % (size_bytes, chunk),)
        known = self._known.get(id(chunk))
        if known is None:
            if len(self._known) == _KEPT:
                del self._known[next(iter(self._known))]
            self._known[id(chunk)] = (chunk, None)
            return b"%x\r\n" % size_bytes, chunk, _LINE_END
        pieces = known[1]
        if pieces is None:
            pieces = (b"%x\r\n%b\r\n" % (size_bytes, chunk),)
            self._known[id(chunk)] = (chunk, pieces)
        return pieces
