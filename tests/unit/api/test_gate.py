"""Who is let in, as it changes while answers are open; and passwords, looked at beside the loop, one at a time."""

from __future__ import annotations

import asyncio
import threading
from contextlib import ExitStack
from dataclasses import replace
from fnmatch import fnmatchcase
from functools import partial
from itertools import pairwise
from typing import TYPE_CHECKING

import orjson
import pytest

from logstream.access import ANYBODY, Policy, SourceScope, User, Users, everything, hash_password, new_token
from logstream.api import gate as gate_module
from logstream.api.asked import read_asked
from logstream.api.gate import MOST_CHECKS_WAITING, Gate, LoginsBusyError
from logstream.api.stream import LogFeed
from logstream.hub.start import find_start
from logstream.hub.subscriber import subscribing
from logstream.turns import MOST_ENDS
from tests.event_stream import parse
from tests.hub_kit import Stage
from tests.unit.api.test_app import events, serving

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from quart import Quart

    from logstream.api.context import ApiContext
    from tests.event_stream import Parsed

ALICE = User("alice", ("app",), hash_password("correct horse"))
TOKEN, SECRET = new_token("ci", ("app",))
POLICY = Policy(Users((ALICE,), (TOKEN,), is_asked_for=True))
BEARER = {"Authorization": f"Bearer {SECRET}"}


async def told_until(stage: Stage, app: Quart, target: str, kind: str, then: Callable[[], None]) -> list[Parsed]:
    """A stream's events up to the first `kind`, then those up to its end, after `then` was called."""
    found = b""
    async with app.test_client().request(target, headers=BEARER) as connection:
        await connection.send_complete()
        while kind not in [event.type for event in parse(found)]:
            found += await connection.receive()
        while not len(stage.hub.waking):  # noqa: ASYNC110 - nobody tells that a stream waits
            await asyncio.sleep(0)
        then()
        while "bye" not in [event.type for event in parse(found)]:
            found += await connection.receive()
        await connection.disconnect()
    return parse(found)


@pytest.mark.parametrize(
    "policy",
    [
        replace(POLICY, users=POLICY.users.without_token("ci")),
        replace(POLICY, users=replace(POLICY.users, tokens=(replace(TOKEN, sources=("web",)),))),
    ],
)
async def test_a_waiting_stream_of_who_may_have_it_no_more_ends_at_once(tmp_path: Path, policy: Policy) -> None:
    gate = Gate(POLICY, tmp_path / "state")
    # The heartbeat of this service is an hour: nothing else would wake the stream.
    async with Stage(tmp_path) as stage, serving(stage, gate=gate) as app:
        await stage.tell(stage.file("a.log").changes(b"a1\n"))
        found = await told_until(stage, app, "/api/v1/stream?from=start", "ping", lambda: gate.take(policy))
    assert [event.type for event in found] == ["hello", "line", "ping", "bye"]


async def test_a_source_that_comes_into_sight_begins_the_stream_anew_and_for_all_who_see_everything_does_not(
    tmp_path: Path,
) -> None:
    gate = Gate(POLICY, tmp_path)
    names = ["app", "web"]
    whole, part = everything(names), SourceScope(("app",), is_whole=False)
    viewer = replace(ANYBODY, way="token", name="ci", sources=("app*",), proof=TOKEN.digest)
    policy = replace(POLICY, users=replace(POLICY.users, tokens=(replace(TOKEN, sources=("app*",)),)))
    gate.take(policy)
    with (
        gate.watching(viewer, part, lambda: tuple(names), lambda: None) as of_part,
        gate.watching(replace(viewer, sources=("app*",)), whole, lambda: tuple(names), lambda: None) as of_whole,
    ):
        gate.take(policy)
        assert not of_part.is_over()
        names.append("app-2")
        gate.take(policy)
        assert of_part.is_over()
        assert not of_whole.is_over()


async def test_a_stream_of_a_source_that_is_configured_no_more_ends_at_once_with_the_reason(tmp_path: Path) -> None:
    gate, names = Gate(Policy(), tmp_path / "state"), ["app", "web"]

    def take_web_away() -> None:
        names.remove("web")
        gate.look_again()

    async with Stage(tmp_path) as stage, serving(stage, gate=gate, names=names) as app:
        found = await told_until(stage, app, "/api/v1/stream?source=app&source=w*", "ping", take_web_away)
        refused = await app.test_client().get("/api/v1/stream?source=app&source=w*")

    assert [event.type for event in found] == ["hello", "ping", "bye"]
    assert orjson.loads(found[-1].data)["reason"].startswith("no source matches 'w*' any more")
    assert refused.status_code == 404


async def test_open_answers_that_are_over_are_woken_a_few_in_each_turn_of_the_loop(tmp_path: Path) -> None:
    gate, names, woken, counts = Gate(Policy(), tmp_path), ["app"], list[int](), [0]
    scope = everything(("app",))
    with ExitStack() as stack:
        for number in range(10 * MOST_ENDS):
            wake = partial(woken.append, number)
            stack.enter_context(gate.watching(ANYBODY, scope, lambda: tuple(names), wake, ("app",)))
        names.clear()
        gate.look_again()
        counts.append(len(woken))
        while counts[-1] < 10 * MOST_ENDS:
            await asyncio.sleep(0)
            counts.append(len(woken))

    assert max(later - earlier for earlier, later in pairwise(counts)) <= MOST_ENDS


async def test_lines_that_come_before_a_stream_is_woken_that_is_over_are_not_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gate_module, "begin_in_slices", lambda *_: None)  # its turn has not come
    gate = Gate(POLICY, tmp_path / "state")
    async with Stage(tmp_path) as stage, serving(stage, gate=gate) as app, asyncio.TaskGroup() as group:
        log = stage.file("a.log")
        await stage.tell(log.changes(b"a1\n"))

        def revoke() -> None:
            gate.take(replace(POLICY, users=POLICY.users.without_token("ci")))
            group.create_task(stage.tell(log.changes(b"a2\n")))

        found = await told_until(stage, app, "/api/v1/stream?from=start", "ping", revoke)
    assert [event.type for event in found] == ["hello", "line", "ping", "bye"]


def test_what_a_reload_took_away_while_a_stream_was_being_opened_is_not_waited_for(tmp_path: Path) -> None:
    gate, scope = Gate(Policy(), tmp_path), everything(("app", "web"))
    gate.look_again()
    with gate.watching(ANYBODY, scope, lambda: ("app",), lambda: None, ("web",)) as watch:
        assert watch.is_over()


async def test_a_stream_of_sources_of_which_some_stay_goes_on_and_its_pings_tell_of_those_that_there_are(
    tmp_path: Path,
) -> None:
    gate, names = Gate(Policy(), tmp_path), ["app", "web"]
    async with Stage(tmp_path) as stage, serving(stage, gate=gate, names=names) as app:
        context: ApiContext = app.extensions["logstream"]
        for globs in ([], ["*"], ["web*"]):
            scope = everything(tuple(names))
            asked = read_asked({"source": globs}, None, scope)
            with stage.hub.view(asked.key, asked.query) as view:
                start = await find_start(stage.hub, view, None, asked.begin)
                with (
                    subscribing(stage.hub, view, start) as subscriber,
                    gate.watching(ANYBODY, scope, context.source_names, subscriber.wake, asked.key.sources) as watch,
                ):
                    feed = LogFeed(context, asked, view, start, subscriber, watch, 3_000)
                    feed.heartbeat()
                    names[:] = ["new", "web-2", "web"]
                    gate.look_again()
                    assert not watch.is_over()
                    (ping,) = parse(feed.heartbeat())
                    names[:] = ["app", "web"]
            told = orjson.loads(ping.data)["sources"]
            assert list(told) == [name for name in ("web", "new", "web-2") if not globs or fnmatchcase(name, globs[0])]


@pytest.mark.parametrize("events_before", [0, 1])
@pytest.mark.parametrize("is_taken_away", [False, True])
async def test_a_stream_that_ends_before_its_first_event_says_hello_before_it_says_bye(
    tmp_path: Path,
    events_before: int,
    is_taken_away: bool,  # noqa: FBT001 - a table of facts
) -> None:
    gate, names = Gate(Policy(), tmp_path), ["app"]
    async with Stage(tmp_path) as stage, serving(stage, gate=gate, names=names) as app:
        context: ApiContext = app.extensions["logstream"]
        scope = everything(("app",))
        asked = read_asked({"source": ["app"]}, "1.unknown", scope)
        with stage.hub.view(asked.key, asked.query) as view:
            start = await find_start(stage.hub, view, asked.last_event_id, asked.begin)
            with (
                subscribing(stage.hub, view, start) as subscriber,
                gate.watching(ANYBODY, scope, context.source_names, subscriber.wake, ("app",)) as watch,
            ):
                feed = LogFeed(context, asked, view, start, subscriber, watch, 3_000)
                told = b"".join([await feed.next(0) or b"" for _ in range(events_before)])
                if is_taken_away:
                    names.remove("app")
                    gate.look_again()
                    told += feed.heartbeat()  # it may be due before anybody has said so
                events = parse(told + feed.farewell("the server is going down", 2_000))
    assert [event.type for event in events] == ["hello", *["gap"] * events_before, "bye"]
    hello = orjson.loads(events[0].data)
    assert (hello["retry_ms"], hello["resume"]["exact"]) == (3_000, False)
    assert hello["sources"] == ([] if is_taken_away and not events_before else ["app"])


@pytest.mark.parametrize(("is_part", "lag_bytes"), [(True, 1), (False, 9)])
async def test_how_much_is_written_elsewhere_is_not_told_to_who_sees_a_part(
    tmp_path: Path,
    is_part: bool,  # noqa: FBT001 - a table of facts
    lag_bytes: int,
) -> None:
    async with Stage(tmp_path) as stage, serving(stage, gate=Gate(Policy(), tmp_path)) as app:
        context: ApiContext = app.extensions["logstream"]
        await stage.tell(stage.file("s.log", "secret").changes(b"12345678\n"))
        scope = SourceScope(("app",), is_whole=False) if is_part else everything(("app", "secret"))
        viewer = replace(ANYBODY, sources=("app",)) if is_part else ANYBODY
        asked = read_asked({"from": ["start"]}, None, scope)
        with stage.hub.view(asked.key, asked.query) as view:
            start = await find_start(stage.hub, view, None, asked.begin)
            with (
                subscribing(stage.hub, view, start) as subscriber,
                context.gate.watching(viewer, scope, context.source_names, subscriber.wake) as watch,
            ):
                feed = LogFeed(context, asked, view, start, subscriber, watch, 3_000)
                # However late it is, hello comes first.
                assert [event.type for event in parse(feed.heartbeat())] == ["hello"]
                (ping,) = parse(feed.heartbeat())
    assert orjson.loads(ping.data)["lag_bytes"] == lag_bytes


async def test_passwords_are_looked_at_one_at_a_time_and_too_many_are_told_to_come_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    may_go_on, at_once, most = threading.Event(), [0], [0]

    def check(user: User | None, password: str) -> bool:
        at_once[0] += 1
        most[0] = max(most[0], at_once[0])
        may_go_on.wait(10)
        at_once[0] -= 1
        return user is not None and password == "right"  # noqa: S105 - of a test

    monkeypatch.setattr(gate_module, "_check", check)
    gate = Gate(POLICY, tmp_path)
    asking = [asyncio.ensure_future(gate.is_password(ALICE, "right")) for _ in range(MOST_CHECKS_WAITING)]
    await asyncio.sleep(0)  # the loop turns while they wait
    with pytest.raises(LoginsBusyError):
        await gate.is_password(ALICE, "right")
    asking[0].cancel()  # a client that leaves: its check goes on, and nobody else begins meanwhile
    await asyncio.sleep(0)
    may_go_on.set()
    assert await asyncio.gather(*asking[1:]) == [True] * (MOST_CHECKS_WAITING - 1)
    assert most == [1]
    assert not await gate.is_password(None, "right")
    gate.close()


async def test_an_unknown_user_is_checked_like_a_known_one(tmp_path: Path) -> None:
    gate = Gate(POLICY, tmp_path)
    assert await gate.is_password(ALICE, "correct horse")
    assert not await gate.is_password(ALICE, "wrong horse")
    assert not await gate.is_password(User("proxied"), "correct horse")
    assert not await gate.is_password(None, "nobody has this password, and nobody needs to")
    gate.close()


async def test_without_a_disk_for_its_key_sessions_are_good_in_all_processes_all_the_same(tmp_path: Path) -> None:
    (tmp_path / "state").write_text("no directory")
    one, other = Gate(POLICY, tmp_path / "state"), Gate(POLICY, tmp_path / "state")
    cookie = one.begin_session(ALICE).cookie
    assert other.end_session(cookie) == "alice"
    assert Gate(replace(POLICY, users=POLICY.users.without_token("ci")), tmp_path / "state").end_session(cookie) is None


async def test_where_nobody_is_asked_all_is_as_it_was(tmp_path: Path) -> None:
    async with Stage(tmp_path) as stage, serving(stage) as app:
        client = app.test_client()
        session = await client.get("/api/v1/session", headers={"Cookie": "logstream_session=x", **BEARER})
        assert await session.get_json() == {"name": None, "way": "anybody", "can_log_out": False}
        page = await client.get("/login")
        assert (page.status_code, page.headers["Location"]) == (303, "./")
        answer = await client.post(
            "/login", json={"name": "alice", "password": "correct horse"}, headers={"Origin": "http://localhost"}
        )
        assert answer.status_code == 401
        hello, *_ = await events(app, "/api/v1/stream?from=now", 1)
        assert orjson.loads(hello.data)["sources"] == ["app", "web"]
    assert not (tmp_path / "state" / "session.key").exists()
