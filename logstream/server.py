"""The composition root: builds every part, owns every task, serves until told to stop.

The order of the end matters: streams first (a server waits for open responses), then the tail, then the journal, so
that nothing is read that can no longer be recorded.
"""

from __future__ import annotations

import asyncio
import logging
import resource
import signal
import sys
from datetime import UTC, tzinfo
from pathlib import Path
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from logstream.api.app import UnderPath, create_app
from logstream.api.aside import Aside
from logstream.api.context import ApiContext, FileStatus, Readiness, SourceStatus
from logstream.api.frames import WireEncoder
from logstream.config import ConfigError
from logstream.errors import LogstreamError
from logstream.hub.counting import Counting
from logstream.hub.hub import Hub
from logstream.hub.judged import SourceTraits
from logstream.journal.sqlite import SqliteJournal
from logstream.journal.store import JournalError
from logstream.parse import Folding
from logstream.rules import Rule, RuleSet, parse_level_condition
from logstream.serving import serve
from logstream.sse import Streams
from logstream.tail.batch import SourceSpec
from logstream.tail.supervisor import Supervisor

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from logstream.config import RuleSettings, Settings, SourceSettings
    from logstream.serving import Address

_log = logging.getLogger("logstream")
STOP_DEADLINE_SECONDS = 2.0
_NOTE_AGAIN_SECONDS = 5.0
_ENOUGH_FILES = 65_536
_FEW_FILES = 64
_OTHER_FILES = 256
_BYE = "the server is going down"


def run(settings: Settings, reload: Callable[[], Settings]) -> int:
    """Serve `settings` until SIGTERM or SIGINT; `reload` reads them anew on SIGHUP. Raises LogstreamError."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s", stream=sys.stderr)
    with asyncio.Runner(loop_factory=_loop_factory()) as runner:
        runner.run(Service(settings, reload).run())
    return 0


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    try:
        import uvloop  # noqa: PLC0415 - not to be had on every system; plain asyncio works as well
    except ImportError:
        return None
    return uvloop.new_event_loop


class Service:
    """One running logstream."""

    def __init__(self, settings: Settings, reload: Callable[[], Settings]) -> None:
        """Build all parts; nothing runs yet. Raises StateUnusableError."""
        self._settings = settings
        self._reload_settings = reload
        self._has_new_sources = asyncio.Event()
        self._limits: dict[str, int] = {}
        self._note_limits(settings.sources)
        self._journal = SqliteJournal(settings.state.dir, settings.state.durability, self._max_line_bytes)
        self._hub = Hub(self._journal, WireEncoder(), rule_set(settings.rules), traits_of(settings.sources))
        stream = settings.stream
        self._streams = Streams(
            heartbeat_seconds=stream.heartbeat_seconds,
            retry_ms=stream.retry_ms,
            max_connections=stream.max_connections,
            max_connections_per_client=stream.max_connections_per_client,
        )
        self._supervisor = Supervisor(
            specs_of(settings.sources),
            self._journal.known(),
            self._first_seen(settings),
            self._hub,
            max_open_files=files_to_hold(raise_file_limit(), stream.max_connections),
        )

    async def run(self) -> None:
        """Serve until a signal says stop."""
        stop = asyncio.Event()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, stop.set)
        loop.add_signal_handler(signal.SIGHUP, self._reload)
        try:
            await self._run_parts(stop)
        except* LogstreamError as failed:
            # One thing went wrong on purpose (a port that is taken): that is what people should read.
            raise _first(failed) from None
        finally:
            await self._journal.aclose()

    async def _run_parts(self, stop: asyncio.Event) -> None:
        stop_tail = asyncio.Event()
        async with asyncio.TaskGroup() as group:
            upkeep = group.create_task(self._journal.run(), name="journal-upkeep")
            tail = group.create_task(self._supervisor.run(stop_tail), name="tail")
            noting = group.create_task(self._note_sources(), name="note-sources")
            counting = group.create_task(Counting(self._hub).run(), name="count-rules")
            await self._serve(stop)
            stop_tail.set()
            noting.cancel()
            counting.cancel()
            await asyncio.wait([tail])
            upkeep.cancel()

    async def _serve(self, stop: asyncio.Event) -> None:
        server = self._settings.server
        context = ApiContext(
            hub=self._hub,
            streams=self._streams,
            aside=Aside(),
            heartbeat_seconds=self._settings.stream.heartbeat_seconds,
            retry_ms=self._settings.stream.retry_ms,
            sources=self._source_statuses,
            source_names=lambda: tuple(source.name for source in self._settings.sources),
            readiness=self._readiness,
        )
        await serve(
            UnderPath(create_app(context), server.root_path),
            host=None if server.unix_socket else server.host,
            port=server.port,
            unix_socket=server.unix_socket,
            stop=stop,
            before_stop=lambda: self._streams.close(_BYE),
            on_listening=self._announce,
            deadline_seconds=STOP_DEADLINE_SECONDS,
        )

    def _announce(self, addresses: Sequence[Address]) -> None:
        for address in addresses:
            below = "" if address.path else f"{self._settings.server.root_path}/"
            print(f"logstream is listening on {address}{below}", flush=True)  # noqa: T201 - the one line that people look for

    def _reload(self) -> None:
        """Take sources and rules from the configuration as it is now; a bad one changes nothing."""
        try:
            fresh = self._reload_settings()
        except ConfigError as error:
            _log.error("reload refused, the old sources and rules stay:\n%s", error)
            return
        old = self._settings
        self._note_limits(fresh.sources)
        first_seen = self._first_seen(fresh)
        self._settings = type(fresh)(old.server, old.state, old.stream, fresh.sources, fresh.rules, fresh.path)
        self._hub.reconfigure(rule_set(fresh.rules), traits_of(fresh.sources))
        self._supervisor.reconfigure(specs_of(fresh.sources), first_seen)
        self._has_new_sources.set()
        _log.info("reloaded: %d sources, %d rules", len(fresh.sources), len(fresh.rules))
        for section in ("server", "state", "stream"):
            if getattr(fresh, section) != getattr(old, section):
                _log.warning("[%s] has changed: restart logstream to apply it", section)

    async def _note_sources(self) -> None:
        """Once all files have been looked at, remember the sources: `start = "end"` is for their first time only."""
        await self._supervisor.first_scan_done.wait()
        while True:
            self._has_new_sources.clear()
            try:
                await self._journal.note_sources(frozenset(source.name for source in self._settings.sources))
            except JournalError:
                # The tail says so with every batch that it cannot hand on; here it is enough to try again.
                await asyncio.sleep(_NOTE_AGAIN_SECONDS)
            else:
                await self._has_new_sources.wait()

    def _first_seen(self, settings: Settings) -> frozenset[str]:
        return frozenset(source.name for source in settings.sources) - self._journal.sources_seen()

    def _note_limits(self, sources: Sequence[SourceSettings]) -> None:
        self._limits.update({source.name: source.max_line_bytes for source in sources})

    def _max_line_bytes(self, source: str) -> int:
        return self._limits.get(source, SourceTraits().max_line_bytes)

    def _source_statuses(self) -> list[SourceStatus]:
        labels = {source.name: source.labels for source in self._settings.sources}
        told = []
        for status in self._supervisor.status():
            files = [
                FileStatus(file.file, file.state, file.reason, file.size_bytes, file.read_bytes)
                for file in status.files
            ]
            told.append(SourceStatus(status.name, _source_state(files), labels.get(status.name, {}), files))
        return told

    def _readiness(self) -> Readiness:
        reasons = []
        if not self._supervisor.first_scan_done.is_set():
            reasons.append("the first look at all files is not done yet")
        health = self._journal.health
        if not health.is_ready:
            reasons.append(f"the journal cannot be written: {health.reason}")
        return Readiness(not reasons, tuple(reasons))


def _first(group: BaseExceptionGroup[LogstreamError]) -> LogstreamError:
    found = group.exceptions[0]
    return _first(found) if isinstance(found, BaseExceptionGroup) else found


def _source_state(files: Sequence[FileStatus]) -> str:
    """One word for a source: `empty` if no file matches, `unreadable` if some cannot be read, else `ok`."""
    if not files:
        return "empty"
    return "unreadable" if any(file.state == "unreadable" for file in files) else "ok"


def raise_file_limit() -> int:
    """Raise the soft limit of open files to the hard one, and say what it is now."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = _ENOUGH_FILES if hard == resource.RLIM_INFINITY else hard
    if soft == resource.RLIM_INFINITY or soft >= most:
        return most if soft == resource.RLIM_INFINITY else soft
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))
    return most


def files_to_hold(limit: int, max_connections: int) -> int:
    """How many log files may stay open: what clients, history and the journal leave of `limit`, or a few at least.

    The tail opens the others as it needs them; to hold a file open is what keeps the bytes of a deleted one readable.
    """
    return max(_FEW_FILES, min(_ENOUGH_FILES, limit - max_connections - _OTHER_FILES))


def specs_of(sources: Sequence[SourceSettings]) -> tuple[SourceSpec, ...]:
    """What the tail needs of the configured sources."""
    return tuple(
        SourceSpec(source.name, source.paths, source.exclude, source.start, source.max_line_bytes, source.encoding)
        for source in sources
    )


def traits_of(sources: Sequence[SourceSettings]) -> dict[str, SourceTraits]:
    """What the hub needs of the configured sources."""
    zone = local_zone()
    return {
        source.name: SourceTraits(
            source.encoding, source.format, source.max_line_bytes, zone, folding_of(source.multiline)
        )
        for source in sources
    }


def folding_of(multiline: bool | str) -> Folding | None:  # noqa: FBT001 - the setting as it stands in the configuration
    """Which lines of a source continue others."""
    if isinstance(multiline, str):
        return Folding(multiline)
    return Folding() if multiline else None


def local_zone() -> tzinfo:
    """The machine's time zone with its summer times; UTC where none is set."""
    try:
        with Path("/etc/localtime").open("rb") as file:
            return ZoneInfo.from_file(file, key="local")
    except (OSError, ValueError):
        return UTC


def rule_set(rules: Sequence[RuleSettings]) -> RuleSet:
    """The configured rules, compiled."""
    return RuleSet(
        [
            Rule(
                name=rule.name,
                match=rule.match,
                source=rule.source,
                level=None if rule.level is None else parse_level_condition(rule.level),
                where=rule.where,
                action=rule.action,
                event=rule.event,
                set_level=rule.set_level,
                highlight=rule.highlight,
                redact=rule.redact,
            )
            for rule in rules
        ]
    )
