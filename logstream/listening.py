"""Where the service listens: on the sockets that a supervisor bound for it, or else where it was told to.

Owns which of these it is, and that nobody is let in whom nobody has asked for. Refuses to accept connections.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from logstream.openness import OpenToStrangersError, is_open_to_strangers
from logstream.serving import bind
from logstream.supervision import hosts_of, take_sockets

if TYPE_CHECKING:
    from logstream.config import ServerSettings
    from logstream.serving import Listener


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
