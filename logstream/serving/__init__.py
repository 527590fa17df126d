"""Serving over HTTP/1.1 by our own rules: bounded stop, no HTTP/2, typed errors for what cannot be listened on."""

from logstream.serving.errors import (
    AddressUnusableError,
    InheritedSocketError,
    ListenError,
    PortTakenError,
    SocketPathError,
)
from logstream.serving.listeners import Address, Listener
from logstream.serving.server import bind, serve
from logstream.serving.spread import Share, Spread

__all__ = [
    "Address",
    "AddressUnusableError",
    "InheritedSocketError",
    "ListenError",
    "Listener",
    "PortTakenError",
    "Share",
    "SocketPathError",
    "Spread",
    "bind",
    "serve",
]
