"""The lines that put a fault right, for the proxy that was recognised by its answers.

Owns the lines. Refuses to find out which fault it is.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

_NGINX: Final = {
    "buffering": '    proxy_http_version 1.1;\n    proxy_set_header Connection "";\n    proxy_buffering off;\n'
    "    proxy_cache off;\n    gzip off;          # and no proxy_ignore_headers X-Accel-Buffering",
    "compression": "    gzip off;          # in the location of /api/v1/stream; and no text/event-stream in gzip_types",
    "idle": "    proxy_read_timeout 70s;   # in the location of /api/v1/stream; more than four heartbeats",
    "last-event-id": '    # remove: proxy_set_header Last-Event-ID "";  and  proxy_pass_request_headers off;',
    "http-2": "    listen 443 ssl http2;     # nginx 1.25.1 and newer: listen 443 ssl;  http2 on;",
    "tls": "    ssl_protocols TLSv1.2 TLSv1.3;",
    "hsts": '    add_header Strict-Transport-Security "max-age=63072000" always;',
    "upstream": "    upstream logstream { server unix:/run/logstream/logstream.sock; }\n    systemctl status logstream",
    "sub-path": "    location = /logs { return 308 /logs/; }\n    location /logs/ { proxy_pass http://logstream/; }",
    "content-type": "    # remove for the stream: proxy_hide_header Content-Type and add_header Content-Type",
    "status": "    location = /api/v1/stream { proxy_pass http://logstream; }",
    "login": "    proxy_set_header Host $host;    # in each block that has a proxy_set_header of its own\n"
    "    # and let POST to /login and /logout through",
    "cookie": '    # remove: proxy_set_header Cookie "";  proxy_hide_header Set-Cookie;  proxy_cookie_path ...;\n'
    "    # and [server] root_path where the proxy cuts the path off",
    "authorization": '    # remove: proxy_set_header Authorization "";  and  proxy_pass_request_headers off;',
    "errors": "    # remove: proxy_intercept_errors on;",
    "outage": "    upstream logstream { server unix:/run/logstream/logstream.sock; }    # systemd holds it meanwhile\n"
    "    # and no: error_page 502 503 504 =200 ...;",
}  # fmt: skip
_CADDY: Final = {
    "buffering": "    reverse_proxy unix//run/logstream/logstream.sock    # without flush_interval, buffer_responses",
    "compression": "    @compressed not path /api/v1/stream\n    encode @compressed gzip",
    "hsts": '    header Strict-Transport-Security "max-age=63072000"',
    "upstream": "    reverse_proxy unix//run/logstream/logstream.sock    # and: systemctl status logstream",
}  # fmt: skip
_HAPROXY: Final = {
    "idle": "    timeout server 70s\n    timeout client 70s",
    "compression": "    # remove text/event-stream from: compression type",
    "http-2": "    bind :443 ssl crt /etc/haproxy/logs.example.org.pem alpn h2,http/1.1",
}
_WORDS: Final = {
    "buffering": "    turn off response buffering for /api/v1/stream",
    "compression": "    turn off compression for text/event-stream",
    "idle": "    wait longer for the next byte than four heartbeats: 70 s and more",
    "last-event-id": "    let the request header Last-Event-ID pass",
    "http-2": "    speak HTTP/2 to browsers",
    "tls": "    speak TLS 1.2 or 1.3",
    "certificate": "    sudo certbot renew",
    "hsts": "    send Strict-Transport-Security: max-age=63072000",
    "upstream": "    systemctl status logstream    # and compare its socket with the proxy's upstream",
    "sub-path": "    redirect the path without its slash to the one with it",
    "content-type": "    pass the Content-Type on as it is",
    "status": "    pass /api/v1/stream to the service as it is",
    "login": "    pass the header Host on as the browser sent it, and POST to /login and /logout",
    "cookie": "    let the headers Cookie and Set-Cookie pass as they are",
    "authorization": "    let the request header Authorization pass",
    "errors": "    pass the service's own errors on: no error pages in their place",
    "outage": "    lead to /run/logstream/logstream.sock, which systemd holds while the service restarts\n"
    "    # and give error pages the status of the error",
    "access": "    sudo logstream token add doctor > doctor.token; sudo systemctl reload logstream\n"
    "    logstream doctor URL --token-file doctor.token    # or LOGSTREAM_TOKEN in the environment",
}
_LINES: Final[Mapping[str, Mapping[str, str]]] = MappingProxyType(
    {"nginx": _NGINX, "Caddy": _CADDY, "HAProxy": _HAPROXY}
)


def proxy_of(headers: Mapping[str, str]) -> str:
    """The proxy that sent these headers, as far as they tell; the service itself sends no Server header."""
    server = headers.get("server", "").lower()
    return next((name for name in _LINES if server.startswith(name.lower())), "")


def remedy_for(check: str, proxy: str) -> str:
    """The lines for `proxy`, or words for any."""
    return _LINES.get(proxy, {}).get(check) or _WORDS.get(check, "")
