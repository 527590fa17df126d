"""Web servers' logs: the access log of Apache and nginx (common and combined), and the error log of each.

Owns their forms. Sources: Apache's mod_log_config and core `ErrorLogFormat`, nginx's ngx_http_log_module and ngx_log.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from logstream.parse.levels import level_from_field, level_from_status
from logstream.parse.logfmt import pairs_in
from logstream.parse.parsed import Parsed, number_or_text
from logstream.parse.times import time_from_asctime, time_in_text

if TYPE_CHECKING:
    from logstream.parse.times import Clock

_QUOTED: Final = r'"((?:[^"\\]|\\.)*)"'
_ACCESS: Final = re.compile(
    r" \[(\d\d/[A-Z][a-z]{2}/\d{4}:\d\d:\d\d:\d\d [+-]\d{4})\] "
    rf"{_QUOTED} (\d{{3}}) (\d+|-)(?: {_QUOTED} {_QUOTED})?(.*)",
    re.ASCII | re.DOTALL,
)
_REQUEST: Final = re.compile(r"([A-Z_-]{1,32}) (\S+)(?: (HTTP/\d(?:\.\d)?))?", re.ASCII)
_MOST_HEAD_CHARACTERS: Final = 512
_FEWEST_HEAD_WORDS, _HEAD_WORDS_WITH_HOST = 3, 4

_NGINX: Final = re.compile(
    r"(\d{4}/\d\d/\d\d \d\d:\d\d:\d\d) \[([a-z]{4,6})\] (\d{1,10})#(\d{1,10}): (?:\*(\d{1,18}) )?(.*)",
    re.ASCII | re.DOTALL,
)
_NGINX_CONTEXT: Final = re.compile(
    r', (client|server|request|subrequest|upstream|host|referrer|login|port): (?:"([^"]*)"|([^,"]*))', re.ASCII
)
_APACHE: Final = re.compile(
    r"\[([A-Z][a-z]{2} [A-Z][a-z]{2} [ \d]\d [\d:.]{8,18} \d{4})\] \[(?:([\w-]*):)?([a-z]{4,6})\d?\] "
    r"(?:\[pid (\d{1,10})(?::tid (\d{1,20}))?\] )?(?:\[client ([^\]\s]+)\] )?(?:(AH\d{5}): )?(.*)",
    re.ASCII | re.DOTALL,
)


def read_access(text: str, clock: Clock) -> Parsed | None:
    """`HOST IDENT USER [TIME] "REQUEST" STATUS BYTES` and what may follow: referer, user agent, `key=value` pairs."""
    head_end = text.find(" [", 0, _MOST_HEAD_CHARACTERS)
    found = _ACCESS.match(text, head_end) if head_end > 0 else None
    words = text[:head_end].split(" ")
    if found is None or len(words) < _FEWEST_HEAD_WORDS:
        return None
    has_host = len(words) == _HEAD_WORDS_WITH_HOST  # vhost_combined begins with the virtual host
    host = {"host": words[0]} if has_host else {}
    client, ident, *user = words[1:] if has_host else words
    stamp, request, status, size, referer, agent, rest = found.groups()
    fields = {
        **host,
        "client": client,
        **_said(ident=ident, user=" ".join(user)),
        **_request(request),
        "status": int(status),
        "bytes": None if size == "-" else number_or_text(size),
        **_said(referer=referer, user_agent=agent),
    }
    if rest:
        fields = dict(pairs_in(rest.lstrip())) | fields
    return Parsed(time_in_text(f"[{stamp}]", clock), level_from_status(int(status)), fields, "access")


def _said(**texts: str | None) -> dict[str, Any]:
    return {name: text for name, text in texts.items() if text and text != "-"}


def _request(text: str) -> dict[str, Any]:
    found = _REQUEST.fullmatch(text)
    if found is None:
        return _said(request=text)
    if found[3] is None:  # HTTP/0.9
        return {"method": found[1], "path": found[2]}
    return {"method": found[1], "path": found[2], "protocol": found[3]}


def read_nginx_error(text: str, clock: Clock) -> Parsed | None:
    """`TIME [LEVEL] PID#TID: *CONNECTION MESSAGE, client: ..., server: ...`."""
    found = _NGINX.match(text)
    level = level_from_field(found[2]) if found else None
    if found is None or level is None:
        return None
    fields: dict[str, Any] = {"pid": number_or_text(found[3]), "tid": number_or_text(found[4])}
    if found[5]:
        fields["connection"] = number_or_text(found[5])
    first = _NGINX_CONTEXT.search(found[6])
    fields["message"] = found[6] if first is None else found[6][: first.start()]
    if first is not None:
        for item in _NGINX_CONTEXT.finditer(found[6], first.start()):
            fields[item[1]] = item[3] if item[2] is None else item[2]
    return Parsed(time_in_text(found[1], clock), level, fields, "nginx-error")


def read_apache_error(text: str, clock: Clock) -> Parsed | None:
    """`[TIME] [MODULE:LEVEL] [pid PID:tid TID] [client ADDRESS] CODE: MESSAGE`."""
    found = _APACHE.match(text)
    level = level_from_field(found[3]) if found else None
    if found is None or level is None:
        return None
    fields = _said(module=found[2], client=found[6], code=found[7], message=found[8])
    fields |= {name: number_or_text(digits) for name, digits in (("pid", found[4]), ("tid", found[5])) if digits}
    return Parsed(time_from_asctime(found[1], clock), level, fields, "apache-error")
