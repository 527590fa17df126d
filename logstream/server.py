"""The composition root: builds every part, owns every task, serves until told to stop.

The order of the end matters: streams first (a server waits for open responses), then the tail, then the journal, so
that nothing is read that can no longer be recorded. What it has in common with each process that serves beside others
is in `process`, what a reload may change in `reloading`.
"""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import sys
import time
from typing import TYPE_CHECKING

from logstream.api.app import UnderPath, create_app
from logstream.api.aside import Aside
from logstream.api.context import ApiContext
from logstream.api.frames import WireEncoder
from logstream.api.headers import RAW_SECURITY_HEADERS
from logstream.errors import LogstreamError
from logstream.garbage import look_often, settle, settle_until
from logstream.hub.clocks import ClockWatch
from logstream.hub.hub import Hub
from logstream.hub.judged_block import SourceTraits
from logstream.hub.rule_counter import RuleCounter
from logstream.journal.errors import JournalError
from logstream.journal.lock import lock
from logstream.journal.sqlite import SqliteJournal
from logstream.listening import announce, listeners_of
from logstream.metrics import rendered
from logstream.parts import files_to_hold, policy_of, raise_file_limit, rule_set, specs_of, traits_of
from logstream.process import BYE, STOP_DEADLINE_SECONDS, gate_of, loop_factory, streams_of
from logstream.reloading import Reloading, read_fresh, tell_reloaded, watching
from logstream.serving import serve
from logstream.stalls import Stalls
from logstream.status import Status
from logstream.supervision import Overseer
from logstream.tail.supervisor import Supervisor

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from logstream.api.context import RulesAtWork
    from logstream.config import Settings, SourceSettings
    from logstream.rules import RuleSet
    from logstream.serving import Address
    from logstream.tail.batch import Sink

_NOTE_AGAIN_SECONDS = 5.0
_LOOK_AGAIN_SECONDS = 0.1


def run(settings: Settings, reload: Callable[[], Settings]) -> int:
    """Serve `settings` until SIGTERM or SIGINT; `reload` reads them anew on SIGHUP. Raises LogstreamError."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s", stream=sys.stderr)
    with asyncio.Runner(loop_factory=loop_factory()) as runner:
        runner.run(Service(settings, reload).run())
    return 0


class Service:
    """One running logstream."""

    def __init__(
        self, settings: Settings, reload: Callable[[], Settings], take_lock: Callable[[Path], int] = lock
    ) -> None:
        """Build all parts; nothing runs yet. Raises StateUnusableError."""
        self._settings = settings
        self._reload_settings = reload
        self._overseer = Overseer(os.environ)
        self._reloading = Reloading(self._read_fresh, self._take, self._overseer)
        self._has_new_sources = asyncio.Event()
        self._limits: dict[str, int] = {}
        self._note_limits(settings.sources)
        self._journal = SqliteJournal(settings.state.dir, settings.state.durability, self._max_line_bytes, take_lock)
        self._hub = Hub(self._journal, WireEncoder(), rule_set(settings.rules), traits_of(settings.sources))
        self._hub.has_looked.clear()
        self._streams = streams_of(settings)
        self._gate = gate_of(settings)
        self._supervisor = Supervisor(
            specs_of(settings.sources),
            self._journal.known(),
            self._first_seen(settings),
            self._sink(),
            watched_since={name: at for name, at in self._journal.sources_seen().items() if at is not None},
            scratch=settings.state.dir,
            max_open_files=files_to_hold(raise_file_limit(), settings.stream.max_connections),
        )
        self._stalls = Stalls()
        self._status = Status(self._hub, self._streams, self._supervisor, self._stalls, lambda: self._settings.sources)

    async def run(self) -> None:
        """Serve until a signal says stop."""
        stop = asyncio.Event()
        self._heed_signals(stop)
        try:
            await self._run_parts(stop)
        except* LogstreamError as failed:
            # One thing went wrong on purpose (a port that is taken): that is what people should read.
            raise _first(failed) from None
        finally:
            await self._journal.aclose()
            self._gate.close()
            self._overseer.close()

    def _heed_signals(self, stop: asyncio.Event) -> None:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, stop.set)
        loop.add_signal_handler(signal.SIGHUP, self._reloading.ask)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGHUP})  # it was held back while nobody heeded it

    def _sink(self) -> Sink:
        """What takes what the tail finds."""
        return self._hub

    async def _run_parts(self, stop: asyncio.Event) -> None:
        stop_tail = asyncio.Event()
        async with asyncio.TaskGroup() as group:
            upkeep = group.create_task(self._journal.run(), name="journal-upkeep")
            tail = group.create_task(self._supervisor.run(stop_tail), name="tail")
            looking = group.create_task(self._look(), name="first-look")
            noting = group.create_task(self._note_sources(), name="note-sources")
            counting = group.create_task(RuleCounter(self._hub).run(), name="count-rules")
            comparing = group.create_task(ClockWatch(self._hub).run(), name="compare-clocks")
            stalls = group.create_task(self._stalls.run(), name="watch-loop")
            garbage = group.create_task(self._collect_garbage(), name="garbage")
            alive = group.create_task(self._overseer.run(), name="signs-of-life")
            reloading = group.create_task(self._reloading.run(), name="reload")
            await self._serve(stop)
            stop_tail.set()
            for task in (looking, noting, counting, comparing, stalls, garbage, alive, reloading):
                task.cancel()
            await asyncio.wait([tail])
            upkeep.cancel()

    async def _serve(self, stop: asyncio.Event) -> None:
        server = self._settings.server
        context = ApiContext(
            hub=self._hub,
            streams=self._streams,
            gate=self._gate,
            aside=Aside(),
            heartbeat_seconds=self._settings.stream.heartbeat_seconds,
            sources=self._status.sources,
            source_names=lambda: tuple(source.name for source in self._settings.sources),
            readiness=self._status.readiness,
            metrics=self._metrics,
            rules=self._rules,
        )
        await serve(
            UnderPath(create_app(context), server.root_path),
            listeners=listeners_of(server, asks=self._gate.policy.asks),
            refusal_headers=RAW_SECURITY_HEADERS,
            stop=stop,
            before_stop=self._end_streams,
            on_listening=self._announce,
            deadline_seconds=STOP_DEADLINE_SECONDS,
        )

    async def _metrics(self) -> bytes:
        return await rendered(await self._status.figures())

    async def _rules(self) -> RulesAtWork:
        return self._status.rules()

    def _announce(self, addresses: Sequence[Address]) -> None:
        announce(addresses, self._settings.server.root_path)
        self._overseer.ready(watching(self._settings))

    async def _end_streams(self) -> None:
        self._overseer.stopping()
        await self._streams.close(BYE)

    def _read_fresh(self) -> Settings | None:
        """Sources, rules and access of the configuration as it is now; None if it has mistakes. For a thread."""
        return read_fresh(self._overseer, self._settings, self._reload_settings)

    def _take(self, fresh: Settings, rules: RuleSet) -> None:
        """Go on with `fresh`, whose rules are compiled."""
        # Whatever may go wrong comes first: all is taken over, or nothing.
        specs, traits, policy, first_seen = (
            specs_of(fresh.sources), traits_of(fresh.sources), policy_of(fresh), self._first_seen(fresh),
        )  # fmt: skip
        self._note_limits(fresh.sources)
        self._settings = fresh
        self._hub.reconfigure(rules, traits)
        self._supervisor.reconfigure(specs, first_seen)
        self._gate.take(policy)
        self._has_new_sources.set()
        self._tell_reloaded(fresh)

    def _tell_reloaded(self, fresh: Settings) -> None:
        tell_reloaded(self._overseer, fresh)

    async def _look(self) -> None:
        """Say when it is known of each id what it leads to.

        All files must have been looked at. Where the record is new, because it was lost or never was, they must have
        been read, too: who comes with an id from before is not told what is there now of other files.
        """
        is_unread = not self._journal.sources_seen()
        await settle_until(self._supervisor.first_scan_done)
        while is_unread:
            is_unread = self._supervisor.is_catching_up
            await asyncio.sleep(_LOOK_AGAIN_SECONDS if is_unread else 0)
        self._hub.has_looked.set()
        settle()

    async def _collect_garbage(self) -> None:
        """Once all files have been found: until then nearly all that is new stays."""
        await self._hub.has_looked.wait()
        await look_often(self._held)

    def _held(self) -> int:
        """How many things there are that take room for as long as they are there."""
        return self._supervisor.path_count + self._journal.generation_count + self._streams.stats.open

    async def _note_sources(self) -> None:
        """Once all files have been looked at, remember the sources: `start = "end"` is for their first time only."""
        await self._supervisor.first_scan_done.wait()
        while True:
            self._has_new_sources.clear()
            try:
                names = frozenset(source.name for source in self._settings.sources)
                await self._journal.note_sources(names, time.time())
            except JournalError:
                # The tail says so with every batch that it cannot hand on; here it is enough to try again.
                await asyncio.sleep(_NOTE_AGAIN_SECONDS)
            else:
                await self._has_new_sources.wait()

    def _first_seen(self, settings: Settings) -> frozenset[str]:
        return frozenset(source.name for source in settings.sources) - self._journal.sources_seen().keys()

    def _note_limits(self, sources: Sequence[SourceSettings]) -> None:
        self._limits.update({source.name: source.max_line_bytes for source in sources})

    def _max_line_bytes(self, source: str) -> int:
        return self._limits.get(source, SourceTraits().max_line_bytes)


def _first(group: BaseExceptionGroup[LogstreamError]) -> LogstreamError:
    found = group.exceptions[0]
    return _first(found) if isinstance(found, BaseExceptionGroup) else found
