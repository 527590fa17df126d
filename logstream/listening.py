"""Where the service listens: on the sockets that a supervisor bound for it, or else where it was told to.

Owns which of these it is, that nobody is let in whom nobody has asked for, and that people are told. Refuses to accept
connections.
"""

from __future__ import annotations

import logging
import os
import sys
from typing import TYPE_CHECKING, Final

from logstream.openness import OpenToStrangersError, is_open_to_strangers
from logstream.serving import bind
from logstream.supervision import hosts_of, take_sockets

if TYPE_CHECKING:
    from collections.abc import Sequence

    from logstream.config import ServerSettings
    from logstream.serving import Address, Listener

_log: Final = logging.getLogger("logstream")


def listeners_of(server: ServerSettings, *, asks: bool) -> list[Listener]:
    """What listens from now on, all or none; `asks`: whoever comes is asked who they are.

    Raises ListenError or OpenToStrangersError.
    """
    bound = take_sockets(os.environ)
    if not bound:
        return bind(None if server.unix_socket else server.host, server.port, server.unix_socket)
    strangers = [] if server.allow_anonymous or asks else list(filter(is_open_to_strangers, hosts_of(bound)))
    if strangers:
        raise OpenToStrangersError(strangers[0])
    return bind(fds=bound)


def announce(addresses: Sequence[Address], root_path: str) -> None:
    """Say where the service is. It serves also where nobody can be told: on a full disk, after a reader that left."""
    for address in addresses:
        below = "" if address.path else f"{root_path}/"
        told = f"logstream is listening on {address}{below}"
        try:
            print(told, flush=True)  # noqa: T201 - the one line that people look for
        except OSError as error:
            _log.warning("standard output takes nothing (%s): %s", error.strerror, told)
            _let_go_of_output()


def _let_go_of_output() -> None:
    """What could not be written is in a buffer, and would be tried, and fail, once more when the process ends."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
    os.close(nowhere)
