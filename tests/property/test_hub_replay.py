from __future__ import annotations

from itertools import islice

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from logstream.hub import encoded_block, joining
from logstream.hub import parsed_lines as parsed_lines_module
from logstream.hub import recent as recent_module
from logstream.hub import subscriber as subscriber_module
from logstream.hub.frames import Shape
from tests.hub_kit import Stage, drain, told

LINES = st.lists(
    st.sampled_from([b"odd\n", b"even\n", b"\n", b"\xff\r\n", b"odd " * 30 + b"\n"]), min_size=1, max_size=5
)
STAMPED = st.lists(
    st.sampled_from([b"2026-11-01T10:00:00Z INFO a.b: odd\n", b'2026-11-01T10:00:00Z WARN a.b: even \xe2\x82\xac "\n']),
    min_size=1,
    max_size=5,
)
VIEWS = (("", ()), ("odd", ()), ("", ("s0",)), ("even", ("s1", "s2")))


class Follower:
    """A subscriber beside what it must get: the line ends of its selection from its place on, by id."""

    def __init__(self, stage: Stage, number: int, at: int) -> None:
        query, sources = VIEWS[number]
        self.view = stage.view(query, sources, Shape.BATCH if number % 2 else Shape.LINE)
        self.subscriber = stage.subscriber(self.view, at)
        self.query, self.at = query, at
        self.got: list[str] = []

    async def pull(self, times: int) -> None:
        for _ in range(times):
            pulled = await self.subscriber.pull(0)
            if pulled is None:
                if not self.subscriber.lag_bytes:
                    return
                continue  # a long way without a match, and no time was given for it
            for event in told(pulled.content):
                assert event.type in {"line", "batch"}, event
                self.got += [record["id"] for record in (event.json if event.type == "batch" else [event.json])]

    def expects(self, source: str, text: str) -> bool:
        return self.view.wants(source) and self.query in text


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
async def test_replay_runs_into_live_without_hole_or_overlap_while_commits_go_on(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    """Conformance: I12."""
    draw = data.draw
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(recent_module, "RECENT_ITEMS", draw(st.integers(0, 6)))
        patch.setattr(subscriber_module, "PULL_BYTES", draw(st.sampled_from([1, 600, 65_536])))
        # Blocks of a few lines are joined, too, where all lines can be read at once.
        patch.setattr(joining, "FEWEST_BYTES", draw(st.sampled_from([0, 8192])))
        patch.setattr(encoded_block, "_FEWEST_COLUMNS", 1)
        patch.setattr(parsed_lines_module, "_FEWEST_LINES", 1)
        kinds = draw(st.sampled_from([LINES, STAMPED, LINES | STAMPED]))
        async with Stage(tmp_path_factory.mktemp("story")) as stage:
            files = [stage.file(f"{number}.log", f"s{number}") for number in range(3)]
            places = [0]
            followers = [Follower(stage, 0, 0)]
            for _ in range(draw(st.integers(1, 25))):
                match draw(st.sampled_from(["tell", "tell", "pull", "follow"])):
                    case "tell":
                        changes = []
                        for file in draw(st.lists(st.sampled_from(files), min_size=1, max_size=3)):
                            lines = draw(kinds)
                            changes.append(file.changes(*lines, coarse=draw(st.booleans())))
                            for line in lines:
                                places.append(places[-1] + len(line))
                        await stage.tell(*changes)
                    case "pull":
                        await draw(st.sampled_from(followers)).pull(draw(st.integers(1, 3)))
                    case "follow":
                        followers.append(Follower(stage, draw(st.integers(0, 3)), draw(st.sampled_from(places))))
            reference = Follower(stage, 0, 0)
            for follower in [reference, *followers]:
                await follower.pull(10_000)
            whole = {event.json["id"]: event.json for event in told(await drain(stage.subscriber(reference.view)))}

            assert reference.got == list(whole)
            assert len(whole) == len(places) - 1
            for follower in followers:
                rest = islice(whole.items(), places.index(follower.at), None)
                assert follower.got == [key for key, told in rest if follower.expects(told["source"], told["text"])]
