"""Chunks of a body as HTTP/1.1 frames them (RFC 9112, section 7.1), each framed once for all connections.

Owns a few of the framed chunks of late: what many clients are sent at once is one object for all of them, in the
buffers of their connections too. Refuses to know who sends what.
"""

from __future__ import annotations

from typing import Final

_KEPT: Final = 32
_FEWEST_BYTES: Final = 1024
"""Less is framed as fast as it is found, and most of it is one client's own."""


class FramedChunks:
    """Framing with a memory of `_KEPT` chunks."""

    def __init__(self) -> None:
        """Nothing is framed yet."""
        # By identity: chunks that are shared are the same object. Held here, so no other object gets its id.
        self._known: dict[int, tuple[bytes, bytes]] = {}

    def framed(self, chunk: bytes) -> bytes:
        """The chunk, which must not be empty, as it goes out."""
        known = self._known.get(id(chunk))
        if known is not None:
            return known[1]
        framed = b"%x\r\n%b\r\n" % (len(chunk), chunk)
        if len(chunk) >= _FEWEST_BYTES:
            if len(self._known) == _KEPT:
                del self._known[next(iter(self._known))]
            self._known[id(chunk)] = (chunk, framed)
        return framed
