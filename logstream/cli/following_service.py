"""`logstream tail URL`: the lines of a running service.

Owns what is asked of it before its stream. Refuses to follow: that is `client`'s.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from logstream.cli.following import Wished, begin_of_service, is_coloured, printer_of
from logstream.client import Connection, Wanted, fetch_json
from logstream.errors import LogstreamError

if TYPE_CHECKING:
    from collections.abc import Mapping


def follow_service(url: str, wished: Wished, headers: Mapping[str, str]) -> None:
    """Show the lines of the service at `url`. Raises UnreachableError, RefusedError, QueryError."""
    colours: dict[str, str] = {}
    if is_coloured():
        with suppress(LogstreamError):  # an older service, or one that hides its rules: then without their colours
            rules = fetch_json(url, "/api/v1/rules", headers)["rules"]
            colours = {rule["name"]: rule["highlight"] for rule in rules if rule["highlight"]}
    is_one_source = len(wished.sources) == 1 and not set(wished.sources[0]) & set("*?[")
    printer = printer_of(wished, colours, shows_source=not is_one_source)
    connection = Connection(url, Wanted(wished.sources, wished.query, begin_of_service(wished.begin)), headers)
    for followed in connection.follow(is_endless=wished.ending.is_endless):
        shown = wished.ending.cut(followed)
        if shown is not None:
            printer.show(shown)
        if wished.ending.is_reached(followed):
            return
