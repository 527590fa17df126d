"""`logstream proxy` and `logstream web-root`: what a web server in front needs."""

from __future__ import annotations

import re
from typing import Final

import click

from logstream.cli.words import misuse

_PROXIES: Final = {
    "nginx": "nginx/logstream.conf",
    "nginx-subpath": "nginx/subpath.conf",
    "nginx-basic-auth": "nginx/basic-auth.conf",
    "nginx-oauth2-proxy": "nginx/oauth2-proxy.conf",
    "caddy": "caddy/Caddyfile",
    "haproxy": "haproxy/haproxy.cfg",
}
_EXAMPLE: Final = "logs.example.org"
_NAME: Final = re.compile(r"[a-z0-9-]{1,63}(\.[a-z0-9-]{1,63})+", re.IGNORECASE)

_HELP = """\
Print a configuration for a web server in front of logstream: TLS, HTTP/2, and streams passed on line by line.

\b
PROXY is one of
  nginx                a whole server, the page straight from disk
  nginx-subpath        the same below a path of a server that is there already
  nginx-basic-auth     for the first: nginx asks for names and passwords
  nginx-oauth2-proxy   for the first: oauth2-proxy decides who may read
  caddy, haproxy       a whole server each
Each begins with where it goes, and says of each directive why it is there.

\b
Examples:
  logstream proxy nginx --name logs.example.com | sudo tee /etc/nginx/conf.d/logstream.conf
  logstream proxy nginx-basic-auth | sudo tee /etc/nginx/snippets/logstream-access.conf

Exit codes: 0 fine; 2 wrong usage.

Next: docs/deploy.md, the whole way from a bare server.
"""
_WEB_ROOT_HELP = """\
Print the folder of the built page, for a web server that serves it straight from disk.

Where logstream is installed as a service this is /opt/logstream/web, which stays the same through upgrades;
elsewhere it is inside this environment. Files in assets/ never change; index.html must be asked for anew each time.

\b
Examples:
  logstream web-root
  ls "$(logstream web-root)/assets"

Exit codes: 0 fine; 1 the page is not built.

Next: `logstream proxy nginx`, where it is the `root` of two locations.
"""


@click.command(help=_HELP, short_help="Print a configuration for nginx, Caddy or HAProxy.")
@click.argument("kind", metavar="PROXY", type=click.Choice(list(_PROXIES)))
@click.option("--name", default=_EXAMPLE, show_default=True, help="The host name under which people reach it.")
def proxy(kind: str, name: str) -> None:
    """Print; the help text is for users."""
    from logstream.installing import proxy_files  # noqa: PLC0415 - --help answers before this is imported

    if not _NAME.fullmatch(name):
        misuse(f"--name {name!r}: expected a host name such as {_EXAMPLE}")
    text = (proxy_files() / _PROXIES[kind]).read_text("utf-8")
    click.echo(text.replace(_EXAMPLE, name), nl=False)


@click.command("web-root", help=_WEB_ROOT_HELP, short_help="Print the folder of the page, for a web server.")
def web_root() -> None:
    """Print; the help text is for users."""
    from logstream.installing import page_folder  # noqa: PLC0415 - as above

    click.echo(page_folder())
