"""What the processes of one service tell each other, and how it is put on a socket: a length, then a pickle.

Owns the values and their framing. Pickles are read from sockets alone that the parent made before it forked the
process: nobody else can write to one.
"""

from __future__ import annotations

import copyreg
import pickle
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from logstream.api.context import Readiness
    from logstream.config import Settings

HEAD_BYTES: Final = 8


class Ready(NamedTuple):
    """A child does its work from now on."""


class Alone(NamedTuple):
    """A child that serves is connected to nobody, after `taken` connections that it was handed."""

    taken: int


class Failed(NamedTuple):
    """A child cannot begin, for the reason that `words` tell; `is_usage`: what somebody typed must change."""

    words: str
    is_usage: bool


class Peer(NamedTuple):
    """A socket comes with this message: another process of the service, `name`, has its other end."""

    name: str


class Fresh(NamedTuple):
    """The configuration was read anew."""

    settings: Settings


class LookAgain(NamedTuple):
    """A session has ended: open answers of it end in each process, and each that serves tells its parent of its own."""


class Try(NamedTuple):
    """A question: may somebody at `address` try at the password of the user `name`? Answered as `access` has it."""

    address: str
    name: str


class Right(NamedTuple):
    """Said as a question, so that it comes after the `Try`: that was the right password."""

    address: str
    name: str


class Pulse(NamedTuple):
    """How the reading process is."""

    readiness: Readiness
    has_looked: bool


class Ask(NamedTuple):
    """A question; its answer has its number."""

    number: int
    what: object


class Answer(NamedTuple):
    """The answer to the question `number`."""

    number: int
    value: Any


def pack(value: object) -> bytes:
    """`value` as it goes over a socket."""
    body = pickle.dumps(value, protocol=pickle.HIGHEST_PROTOCOL)
    return len(body).to_bytes(HEAD_BYTES, "big") + body


def unpack(body: bytes) -> Any:  # noqa: ANN401 - whatever was packed
    """What was packed in `body`, which follows the length."""
    return pickle.loads(body)  # noqa: S301 - from a process of our own


class Unpacker:
    """Takes bytes as they come, and gives the values that are whole."""

    def __init__(self) -> None:
        self._held = bytearray()

    def feed(self, received: bytes) -> Iterator[Any]:
        """The values that `received` completes."""
        self._held += received
        while len(self._held) >= HEAD_BYTES:
            end = HEAD_BYTES + int.from_bytes(self._held[:HEAD_BYTES], "big")
            if len(self._held) < end:
                return
            body = bytes(self._held[HEAD_BYTES:end])
            del self._held[:end]
            yield unpack(body)


def _proxy(held: dict[Any, Any]) -> MappingProxyType[Any, Any]:
    return MappingProxyType(held)


def _reduce_proxy(
    proxy: MappingProxyType[Any, Any],
) -> tuple[Callable[..., MappingProxyType[Any, Any]], tuple[Any, ...]]:
    return _proxy, (dict(proxy),)  # the type itself has no name by which it could be found again


copyreg.pickle(MappingProxyType, _reduce_proxy)  # settings hold some
