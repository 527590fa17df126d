"""Serving over HTTP/1.1 by our own rules: bounded stop, no HTTP/2, typed errors for what cannot be listened on."""

from logstream.serving.errors import (
    AddressUnusableError,
    InheritedSocketError,
    ListenError,
    PortTakenError,
    SocketPathError,
)
from logstream.serving.listeners import Address
from logstream.serving.server import serve

__all__ = [
    "Address",
    "AddressUnusableError",
    "InheritedSocketError",
    "ListenError",
    "PortTakenError",
    "SocketPathError",
    "serve",
]
