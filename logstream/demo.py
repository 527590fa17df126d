"""A first look: realistic logs of six formats, written at a chosen rate, rotated, and served.

Owns the lines and the thread that writes them. The service is the real one, on a configuration like anybody's.
"""

from __future__ import annotations

import random
import sys
import threading
import time
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Final

from logstream.config import load
from logstream.server import run

if TYPE_CHECKING:
    from collections.abc import Callable

_TICK_SECONDS: Final = 0.05
_LINES_A_LIFE: Final = 500
_KEPT_LIVES: Final = 3
_PATHS: Final = ("/", "/cart", "/cart/items", "/api/orders", "/login", "/static/app.js", "/search?q=lamp")
_USERS: Final = ("anna", "ben", "chloe", "deniz", "emil")
_CONFIG: Final = """\
[server]
host = "{host}"
port = {port}

[state]
dir = "state"

[[source]]
name = "nginx"
paths = ["logs/access.log"]

[[source]]
name = "shop"
paths = ["logs/shop.log"]

[[source]]
name = "worker"
paths = ["logs/worker.log"]

[[source]]
name = "billing"
paths = ["logs/billing.log"]

[[source]]
name = "system"
paths = ["logs/syslog"]

[[source]]
name = "database"
paths = ["logs/postgres.log"]

[[rule]]
name = "healthcheck"
match = 'GET /healthz'
action = "drop"

[[rule]]
name = "http-5xx"
source = "nginx"
where = "status:>=500"
event = "http-5xx"
highlight = "red"

[[rule]]
name = "slow"
where = "took:>=1s OR duration:>=1s"
highlight = "orange"

[[rule]]
name = "secrets"
redact = ["bearer", "email"]
"""


class Scene:
    """Lines as six programs would write them. `pick` decides, so that a seed gives the same scene."""

    def __init__(self, pick: random.Random) -> None:
        """Nothing has happened yet."""
        self._pick = pick
        self._writers: dict[str, Callable[[datetime], str]] = {
            "access.log": self._access,
            "shop.log": self._json,
            "worker.log": self._logfmt,
            "billing.log": self._java,
            "syslog": self._syslog,
            "postgres.log": self._postgres,
        }
        self.files: Final = tuple(self._writers)

    def next(self, now: datetime) -> tuple[str, str]:
        """A file's name, and the line, or the lines of one record, that come next in it."""
        (name,) = self._pick.choices(self.files, weights=(8, 5, 4, 2, 2, 1))
        return name, self._writers[name](now)

    def _took_ms(self) -> int:
        return int(self._pick.lognormvariate(4, 1.2)) + 1

    def _is_rare(self, chance: float) -> bool:
        return self._pick.random() < chance

    def _access(self, now: datetime) -> str:
        client = f"192.0.2.{self._pick.randrange(1, 255)}"
        stamp = now.strftime("%d/%b/%Y:%H:%M:%S +0000")
        if self._is_rare(0.1):
            return f'{client} - - [{stamp}] "GET /healthz HTTP/1.1" 200 2 "-" "kube-probe/1.31"'
        (status,) = self._pick.choices((200, 304, 404, 500, 503), weights=(80, 10, 6, 2, 2))
        path, size = self._pick.choice(_PATHS), self._pick.randrange(150, 90_000)
        return f'{client} - - [{stamp}] "GET {path} HTTP/1.1" {status} {size} "-" "Mozilla/5.0 (X11; Linux x86_64)"'

    def _json(self, now: datetime) -> str:
        time_text, user = now.isoformat(timespec="milliseconds"), self._pick.choice(_USERS)
        if self._is_rare(0.05):
            return (
                f'{{"time":"{time_text}","level":"error","msg":"payment refused","user":"{user}",'
                f'"to":"{user}@example.com","headers":{{"authorization":"Bearer {self._pick.getrandbits(64):x}"}}}}'
            )
        took = self._took_ms()
        level = "warn" if took > 500 else "info"  # noqa: PLR2004 - a shop's own idea of slow
        return f'{{"time":"{time_text}","level":"{level}","msg":"order placed","user":"{user}","took":"{took}ms"}}'

    def _logfmt(self, now: datetime) -> str:
        level = "warn" if self._is_rare(0.08) else "info"
        job, took = self._pick.choice(("resize", "mail", "index")), self._took_ms()
        text = "job is late" if level == "warn" else "job done"
        return f'time={now.isoformat(timespec="milliseconds")} level={level} msg="{text}" job={job} took={took}ms'

    def _java(self, now: datetime) -> str:
        now = now.astimezone()  # as logback's and syslog's times are: local, without an offset
        stamp = now.strftime("%Y-%m-%d %H:%M:%S,") + f"{now.microsecond // 1000:03}"
        thread = f"exec-{self._pick.randrange(1, 9)}"
        if not self._is_rare(0.1):
            return (
                f"{stamp} [{thread}] INFO  com.example.billing.Invoices - invoice {self._pick.randrange(10_000)} sent"
            )
        return (
            f"{stamp} [{thread}] ERROR com.example.billing.Invoices - cannot send invoice\n"
            "java.lang.IllegalStateException: mail server closed the connection\n"
            "\tat com.example.billing.Mailer.send(Mailer.java:88)\n"
            "\tat com.example.billing.Invoices.run(Invoices.java:41)\n"
            "Caused by: java.net.SocketException: Connection reset\n"
            "\t... 2 more"
        )

    def _syslog(self, now: datetime) -> str:
        now = now.astimezone()
        stamp = f"{now:%b} {now.day:2} {now:%H:%M:%S}"
        if self._is_rare(0.1):
            address = f"203.0.113.{self._pick.randrange(1, 255)}"
            return f"<38>{stamp} web-1 sshd[4711]: Failed password for root from {address} port 51234 ssh2"
        return (
            f"<30>{stamp} web-1 systemd[1]: Started session-{self._pick.randrange(1000)}.scope - Session of user anna."
        )

    def _postgres(self, now: datetime) -> str:
        stamp = now.strftime("%Y-%m-%d %H:%M:%S.") + f"{now.microsecond // 1000:03} UTC"
        if self._is_rare(0.15):
            return f'{stamp} [812] shop@shop ERROR:  duplicate key value violates unique constraint "orders_pkey"'
        return f"{stamp} [812] shop@shop LOG:  duration: {self._took_ms()}.204 ms  statement: FETCH 100 IN orders"


class Writer:
    """Writes a scene into a directory until told to stop, and rotates its files as logrotate does."""

    def __init__(self, directory: Path, rate: int, scene: Scene) -> None:
        """Nothing is written yet; `rate` is in records a second."""
        self._directory = directory
        self._rate = rate
        self._scene = scene
        self._lines: dict[str, int] = dict.fromkeys(scene.files, 0)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="demo-writer", daemon=True)

    def start(self) -> None:
        """Begin, with a few lines at once so that there is something to see."""
        for name in self._scene.files:
            (self._directory / name).touch()
        self.write(100)
        self._thread.start()

    def stop(self) -> None:
        """End, and wait for that."""
        self._stop.set()
        self._thread.join()

    def write(self, count: int) -> None:
        """Write `count` records."""
        texts: dict[str, list[str]] = {}
        for _ in range(count):
            name, text = self._scene.next(datetime.now(UTC))
            texts.setdefault(name, []).append(text)
        for name, lines in texts.items():
            with (self._directory / name).open("a", encoding="utf-8") as file:
                file.write("\n".join(lines) + "\n")
            self._lines[name] += len(lines)
            if self._lines[name] >= _LINES_A_LIFE:
                self._rotate(name)

    def _rotate(self, name: str) -> None:
        path = self._directory / name
        for number in range(_KEPT_LIVES - 1, 0, -1):
            older = path.with_name(f"{name}.{number}")
            if older.exists():
                older.rename(path.with_name(f"{name}.{number + 1}"))
        path.rename(path.with_name(f"{name}.1"))
        path.touch()
        self._lines[name] = 0

    def _run(self) -> None:
        due, began = 0, time.monotonic()
        while not self._stop.wait(_TICK_SECONDS):
            wanted = int((time.monotonic() - began) * self._rate)
            self.write(wanted - due)
            due = wanted


def run_demo(rate: int, host: str, port: int) -> int:
    """Write and serve until told to stop; raises LogstreamError."""
    with TemporaryDirectory(prefix="logstream-demo-") as name:
        directory = Path(name)
        (directory / "logs").mkdir()
        config = directory / "config.toml"
        config.write_text(_CONFIG.format(host=host, port=port), encoding="utf-8")
        settings = load(config, {})
        writer = Writer(directory / "logs", rate, Scene(random.Random()))  # noqa: S311 - a scene, no secret
        print(f"writing {rate} records a second to {directory / 'logs'}", file=sys.stderr)  # noqa: T201 - said to people
        writer.start()
        try:
            return run(settings, lambda: load(config, {}))
        finally:
            writer.stop()
