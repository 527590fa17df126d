"""What container runtimes put around the lines of others: docker's json-file and CRI, as the kubelet has it.

Owns the wrappers. What is inside is read by whatever is handed in. The runtime's time wins: it is there on each line,
and has an offset.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

import orjson

from logstream.parse.parsed import Parsed
from logstream.parse.times import time_from_field, time_in_text

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from logstream.parse.times import Clock

    Reader = Callable[[str, Clock], Parsed]

_CRI: Final = re.compile(r"(\d{4}-\d\d-\d\dT\S{8,30}) (stdout|stderr) ([FP])(?::\S*)? (.*)", re.ASCII | re.DOTALL)
_STREAMS: Final = frozenset(("stdout", "stderr"))
DOCKER_START: Final = '{"log":'


def read_docker(text: str, clock: Clock, read_inner: Reader) -> Parsed | None:
    r"""`{"log":"...\n","stream":"stdout","time":"..."}`, also with docker's `attrs`."""
    try:
        found = orjson.loads(text)
    except ValueError:
        return None
    match found:
        case {"log": str(line), "stream": str(stream), **rest} if stream in _STREAMS:
            inner = read_inner(line.rstrip("\r\n"), clock)
            time = time_from_field(rest.get("time"), clock)
            return _unwrapped(line.rstrip("\r\n"), stream, time, inner, _attributes(rest))._replace(
                format="docker-json"
            )
    return None


def _attributes(rest: Mapping[Any, object]) -> dict[str, object]:
    found = rest.get("attrs")
    if not isinstance(found, dict):
        return {}
    return {"attrs": {name: value for name, value in found.items() if isinstance(value, str)}}


def read_cri(text: str, clock: Clock, read_inner: Reader) -> Parsed | None:
    """`TIME stdout F MESSAGE`; a `P` marks a part of a line that the runtime has cut."""
    found = _CRI.match(text)
    if found is None:
        return None
    partial = {"partial": True} if found[3] == "P" else {}
    inner = read_inner(found[4], clock)
    return _unwrapped(found[4], found[2], time_in_text(found[1], clock), inner, partial)._replace(format="cri")


def _unwrapped(line: str, stream: str, time: str | None, inner: Parsed, more: Mapping[str, object]) -> Parsed:
    fields = {"message": line} if inner.fields is None else inner.fields
    return Parsed(time or inner.time, inner.level, {**fields, "stream": stream, **more})
