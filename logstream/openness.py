"""Whether an address lets others than this machine in; if it does, somebody must have said that this is meant.

Owns that question and its answer in words. Refuses to know where the address was configured.
"""

from __future__ import annotations

from ipaddress import ip_address
from typing import Final

from logstream.errors import UsageError

OBJECTION: Final = "whoever reaches it could read every log, for nobody asks who they are"
REMEDY: Final = (
    "127.0.0.1, or a unix_socket, behind a proxy that asks for a login (`logstream proxy nginx`); users or tokens of "
    "its own (`logstream user add NAME`); or allow_anonymous = true in [server]"
)
_THIS_MACHINE: Final = "localhost"


class OpenToStrangersError(UsageError):
    """A supervisor bound a socket to `host` for us, and nobody said that everybody may read."""

    def __init__(self, host: str) -> None:
        """Remember the address."""
        super().__init__(host)
        self.host = host

    def __str__(self) -> str:
        """One line for people."""
        return f"the socket that was bound for this service is open at {self.host}: {OBJECTION}; expected {REMEDY}"


def is_open_to_strangers(host: str) -> bool:
    """Whether `host`, an address or a name, may be reached from other machines; a name that is not sure counts so."""
    try:
        return not ip_address(host).is_loopback
    except ValueError:
        return host.lower() != _THIS_MACHINE
