"""A process that serves: a replica of the journal, a hub and streams of its own; it reads files for those who lag.

Owns all that is between the replica and its clients. What only the reading process knows it asks for.
"""

from __future__ import annotations

import asyncio
import logging
import signal
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final

from logstream.api.app import UnderPath, create_app
from logstream.api.aside import Aside
from logstream.api.context import ApiContext, AwayError, Readiness, RulesAtWork, SourceStatus
from logstream.api.frames import WireEncoder
from logstream.api.headers import RAW_SECURITY_HEADERS
from logstream.errors import LogstreamError
from logstream.garbage import look_often
from logstream.hub.hub import Hub
from logstream.hub.judged_block import SourceTraits
from logstream.journal.following import FollowingJournal
from logstream.journal.replica import Delta, Settled, Snapshot
from logstream.metrics import rendered
from logstream.parts import policy_of, raise_file_limit, rule_set, traits_of
from logstream.process import BYE, STOP_DEADLINE_SECONDS, gate_of, streams_of
from logstream.reloading import Reloading
from logstream.serving import serve
from logstream.stalls import Stalls
from logstream.status import process_figures
from logstream.supervision import Overseer
from logstream.workers.channel import ANSWER_SECONDS, RETRY_SECONDS, Channel
from logstream.workers.messages import Alone, LookAgain, Pulse, Ready
from logstream.workers.tries import CommonTries

if TYPE_CHECKING:
    import socket
    from collections.abc import Sequence

    from hypercorn.typing import (
        ASGIFramework,
        ASGIReceiveCallable,
        ASGISendCallable,
        ASGISendEvent,
        Scope,
    )

    from logstream.config import Settings
    from logstream.rules import RuleSet
    from logstream.serving import Listener, Share
    from logstream.workers.link import Link

_log: Final = logging.getLogger("logstream")
_AWAY: Final = Readiness(is_ready=False, reasons=("the process that reads the files is being started again",))


class AnotherOrderError(LogstreamError):
    """What is recorded now does not go on where this process has told."""

    def __str__(self) -> str:
        """One line for people."""
        return "what was told here is not what is recorded: its clients come back with their last ids"


class Worker:
    """One process that serves, `number` from 1."""

    def __init__(
        self, settings: Settings, number: int, listeners: Sequence[Listener], share: Share, link: Link
    ) -> None:
        """Nothing is known yet: that comes from the reading process."""
        self._settings = self._fresh = settings
        self._reloading = Reloading(lambda: self._fresh, self._take_over, Overseer({}))  # the parent has one
        self._number = number
        self._listeners = listeners
        self._share = share
        self._link = link
        self._limits: dict[str, int] = {}
        self._note_limits()
        self._streams = streams_of(settings)
        self._gate = gate_of(settings)
        self._gate.tries = CommonTries(self._ask)
        self._gate.tell_others = lambda: link.tell(LookAgain())
        self._stalls = Stalls()
        self._stop = asyncio.Event()
        self._is_known = asyncio.Event()
        self._is_linked = asyncio.Event()
        self._channel: Channel | None = None
        self._readiness = _AWAY
        self._failure: LogstreamError | None = None
        self._journal: FollowingJournal
        self._hub: Hub

    async def run(self) -> None:
        """Serve until SIGTERM; raises LogstreamError."""
        raise_file_limit()
        loop = asyncio.get_running_loop()
        loop.add_signal_handler(signal.SIGTERM, self._stop.set)
        for number in (signal.SIGINT, signal.SIGHUP):
            signal.signal(number, signal.SIG_IGN)  # the parent's business
        self._link.listen(self._reload, self._gate.look_again)
        async with asyncio.TaskGroup() as group:
            following = group.create_task(self._follow(), name="follow")
            stalls = group.create_task(self._stalls.run(), name="watch-loop")
            garbage = group.create_task(look_often(self._held), name="garbage")
            stopping = group.create_task(self._stop.wait(), name="stop")
            known = group.create_task(self._is_known.wait(), name="first-snapshot")
            reloading = group.create_task(self._reloading.run(), name="reload")
            await asyncio.wait((stopping, known), return_when=asyncio.FIRST_COMPLETED)
            if self._is_known.is_set():
                upkeep = group.create_task(self._journal.run(), name="journal-upkeep")
                await self._serve()
                upkeep.cancel()
            for task in (following, stalls, garbage, stopping, known, reloading):
                task.cancel()
        if self._is_known.is_set():
            await self._journal.aclose()
        self._gate.close()
        if self._failure is not None:
            raise self._failure

    async def _follow(self) -> None:
        """Be connected to the process that reads, to each one after the other."""
        while True:
            name, sock = await self._link.peers.get()
            await self._be_told(name, sock)
            if self._link.peers.empty():
                self._link.tell(Alone(self._link.taken))

    async def _be_told(self, name: str, sock: socket.socket) -> None:
        self._channel = Channel(name, sock, self._take, self._answer)
        try:
            await self._channel.run()
        finally:
            self._channel = None
            self._is_linked.clear()
            self._readiness = _AWAY

    def _take(self, message: object) -> None:
        try:
            match message:
                case Delta():
                    self._journal.take(message)
                    self._hub.publish(message.appended, message.notices)
                case Settled():
                    self._journal.take(message)
                case Pulse(readiness, has_looked):
                    self._readiness = readiness
                    self._note_looked(has_looked=has_looked)
                case Snapshot():
                    self._begin(message)
                    self._is_linked.set()
        except LogstreamError as error:
            self._fail(error)

    def _begin(self, snapshot: Snapshot) -> None:
        if not self._is_known.is_set():
            directory, rules = self._settings.state.dir, rule_set(self._settings.rules)
            self._journal = FollowingJournal(directory, snapshot, self._max_line_bytes, self._catch_up)
            self._hub = Hub(self._journal, WireEncoder(), rules, traits_of(self._settings.sources))
            self._hub.has_looked.clear()
            self._is_known.set()
        elif self._journal.begin_anew(snapshot):
            self._hub.pass_over()
        else:
            raise AnotherOrderError

    def _note_looked(self, *, has_looked: bool) -> None:
        if self._is_known.is_set() and has_looked:
            self._hub.has_looked.set()

    def _fail(self, error: LogstreamError) -> None:
        """End: another process like this one begins anew, and clients come back with what they have."""
        self._failure = self._failure or error
        self._stop.set()

    async def _serve(self) -> None:
        server = self._settings.server
        context = ApiContext(
            hub=self._hub,
            streams=self._streams,
            gate=self._gate,
            aside=Aside(),
            heartbeat_seconds=self._settings.stream.heartbeat_seconds,
            sources=self._sources,
            source_names=lambda: tuple(source.name for source in self._settings.sources),
            readiness=lambda: self._readiness,
            metrics=self._metrics,
            rules=self._rules,
        )
        await serve(
            Signed(UnderPath(create_app(context), server.root_path), self._number),
            listeners=self._listeners,
            share=self._share,
            refusal_headers=RAW_SECURITY_HEADERS,
            stop=self._stop,
            before_stop=lambda: self._streams.close(BYE),
            on_listening=lambda _: self._link.tell(Ready()),
            deadline_seconds=STOP_DEADLINE_SECONDS,
        )

    async def _ask(self, what: object) -> Any:  # noqa: ANN401 - each question has its own answer
        """What the reading process answers, also if it is only just being started; raises AwayError."""
        with suppress(TimeoutError):
            async with asyncio.timeout(ANSWER_SECONDS):
                await self._is_linked.wait()
        if self._channel is None:
            raise AwayError(RETRY_SECONDS)
        return await self._channel.ask(what)

    async def _catch_up(self) -> None:
        await self._ask("head")

    async def _sources(self) -> Sequence[SourceStatus]:
        sources: Sequence[SourceStatus] = await self._ask("sources")
        return sources

    async def _metrics(self) -> bytes:
        return await rendered(await self._ask("figures"))

    async def _rules(self) -> RulesAtWork:
        rules: RulesAtWork = await self._ask("rules")
        return rules

    async def _answer(self, what: str) -> object:
        match what:
            case "views":
                return self._hub.view_evidence()
            case _:
                return process_figures(f"worker {self._number}", self._hub, self._streams, self._stalls)

    def _held(self) -> int:
        return self._streams.stats.open + (self._journal.generation_count if self._is_known.is_set() else 0)

    def _reload(self, fresh: Settings) -> None:
        self._fresh = fresh
        self._gate.take(policy_of(fresh))
        self._reloading.ask()

    def _take_over(self, fresh: Settings, rules: RuleSet) -> None:
        traits = traits_of(fresh.sources)
        self._settings = fresh
        self._note_limits()
        if self._is_known.is_set():
            self._hub.reconfigure(rules, traits)
        self._gate.look_again()  # the policy came before, and the sources only now

    def _note_limits(self) -> None:
        self._limits.update({source.name: source.max_line_bytes for source in self._settings.sources})

    def _max_line_bytes(self, source: str) -> int:
        return self._limits.get(source, SourceTraits().max_line_bytes)


class Signed:
    """An app whose answers say which process they are from."""

    def __init__(self, app: ASGIFramework, number: int) -> None:
        """Wrap an ASGI `app`."""
        self._app = app
        self._header = (b"logstream-worker", b"%d" % number)

    async def __call__(self, scope: Scope, receive: ASGIReceiveCallable, send: ASGISendCallable) -> None:
        """Answer as the app does."""

        async def sign(event: ASGISendEvent) -> None:
            if event["type"] == "http.response.start":
                event = {**event, "headers": [*event["headers"], self._header]}
            await send(event)

        await self._app(scope, receive, sign)
