"""`/api/v1/records` and `/api/v1/histogram` over a real journal and real files."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Any

import jsonschema
import orjson
import pytest

from logstream.hub import history, merge
from logstream.hub.merge import last_by_time
from logstream.journal.ids import encode_id, gap_anchor
from logstream.records import GapReason, Position
from tests.hub_kit import Stage
from tests.unit.api.test_app import serving

if TYPE_CHECKING:
    from pathlib import Path

    from quart import Quart

HOUR = "2026-11-01T10"


async def get(app: Quart, target: str, status: int = 200) -> dict[str, Any]:
    response = await app.test_client().get(target)
    found: dict[str, Any] = orjson.loads(await response.get_data())
    assert response.status_code == status, found
    return found


def texts(found: dict[str, Any]) -> list[str]:
    return [record["text"] for record in found["records"]]


def line(minute: int, word: str) -> bytes:
    return f"{HOUR}:{minute:02}:00Z {word}\n".encode()


async def test_the_last_records_come_in_the_order_of_the_stream_with_their_ids(tmp_path: Path) -> None:
    async with Stage(tmp_path) as stage, serving(stage) as app:
        await stage.tell(stage.file("a.log").changes(b"one\n", b"two\n", b"three\n"))
        found = await get(app, "/api/v1/records?limit=2")

        assert texts(found) == ["two", "three"]
        assert found["more"]
        earlier = await get(app, f"/api/v1/records?before={found['records'][0]['id']}")
        assert texts(earlier) == ["one"]
        assert not earlier["more"]
        assert texts(await get(app, f"/api/v1/records?after={earlier['records'][0]['id']}")) == ["two", "three"]
        around = await get(app, f"/api/v1/records?around={found['records'][0]['id']}&limit=3")
        assert texts(around) == ["one", "two", "three"]


@pytest.mark.parametrize("seed", range(4))
async def test_walking_back_meets_each_match_once(tmp_path: Path, seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(history, "_FIRST_WINDOW_BYTES", 2_000)
    pick = random.Random(seed)
    async with Stage(tmp_path) as stage, serving(stage) as app:
        files = [stage.file(f"{name}.log") for name in "abc"]
        told: list[str] = []
        for number in range(120):
            lines = [f"{pick.choice(['hit', 'miss'])} {number} {i}" for i in range(pick.randrange(1, 40))]
            told += lines
            await stage.tell(pick.choice(files).changes(*(f"{line}\n".encode() for line in lines)))
        hits = [line for line in told if line.startswith("hit")]
        files[0].path.rename(tmp_path / "a.log.1")

        found = await get(app, "/api/v1/records?q=hit&limit=37")
        walked = texts(found)
        while found["more"]:
            found = await get(app, f"/api/v1/records?q=hit&limit=37&before={found['scanned_to']}")
            walked = texts(found) + walked

    assert walked == hits


async def test_walking_onward_meets_each_match_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(history, "SCAN_BYTES", 1_000)
    async with Stage(tmp_path) as stage, serving(stage) as app:
        lines = [f"{'hit' if number % 3 else 'miss'} {number}" for number in range(2_000)]
        file = stage.file("a.log")
        for start in range(0, 2_000, 50):
            await stage.tell(file.changes(*(f"{line}\n".encode() for line in lines[start : start + 50])))
        first = (await get(app, "/api/v1/records?limit=1000"))["records"]
        found = await get(app, f"/api/v1/records?after={first[0]['id']}&q=hit&limit=100")
        walked = texts(found)
        while found["more"]:
            found = await get(app, f"/api/v1/records?after={found['scanned_to']}&q=hit&limit=100")
            walked += texts(found)

    after_first = lines[lines.index(first[0]["text"]) + 1 :]
    assert walked == [line for line in after_first if line.startswith("hit")]


async def test_records_between_two_times_and_nothing_else(tmp_path: Path) -> None:
    async with Stage(tmp_path) as stage, serving(stage) as app:
        await stage.tell(stage.file("a.log").changes(*(line(minute, "x") for minute in range(10))))
        found = await get(app, f"/api/v1/records?since={HOUR}:03:00Z&until={HOUR}:06:00Z")

    assert [text[14:16] for text in texts(found)] == ["03", "04", "05"]


@pytest.mark.parametrize(
    ("target", "status", "told"),
    [
        ("records?limit=1000000000", 400, "from 1 to 1000"),
        ("records?limit=0", 400, "from 1 to 1000"),
        ("records?since=2026-11-01T10:00:00Z&until=2026-11-01T09:00:00Z", 400, "a time after since"),
        ("records?until=yesterday", 400, "RFC 3339"),
        ("records?before=1.aaaaaaaa.1.1", 404, "before"),
        ("records?before=nonsense", 404, "not an id"),
        ("records?q=(", 400, "column 2"),
        ("records?source=nobody", 404, "nobody"),
        ("records?page=2", 400, "page"),
        ("histogram?buckets=0", 400, "from 1 to"),
        ("histogram?since=9999-12-31T23:59:59Z&until=0001-01-01T00:00:00Z", 400, "a time after since"),
    ],
)
async def test_what_cannot_be_asked_is_a_problem_that_names_it(
    tmp_path: Path, target: str, status: int, told: str
) -> None:
    async with Stage(tmp_path) as stage, serving(stage) as app:
        found = await get(app, f"/api/v1/{target}", status)

    assert told in found["detail"]


async def test_a_histogram_counts_by_level_and_bucket(tmp_path: Path) -> None:
    async with Stage(tmp_path) as stage, serving(stage) as app:
        lines = [line(0, "INFO a"), line(1, "ERROR b"), line(31, "ERROR c"), line(59, "d")]
        await stage.tell(stage.file("a.log").changes(*lines))
        found = await get(app, f"/api/v1/histogram?since={HOUR}:00:00Z&until=2026-11-01T11:00:00Z&buckets=2")

    assert found["complete"]
    assert [bucket["counts"] for bucket in found["buckets"]] == [{"info": 1, "error": 1}, {"error": 1, "none": 1}]


async def test_the_last_lines_of_several_files_are_merged_by_time(tmp_path: Path) -> None:
    async with Stage(tmp_path) as stage, serving(stage):
        one, two = stage.file("1.log"), stage.file("2.log")
        await stage.tell(one.changes(line(1, "a"), line(4, "b"), b"  goes on\n", line(9, "c")))
        await stage.tell(two.changes(line(2, "d"), line(5, "e"), line(8, "f")))
        found, first_at = await history_of(stage, 6)

    assert found == ["d", "b", "goes on", "e", "f", "c"]
    assert first_at == len(line(1, "a"))


async def history_of(stage: Stage, count: int) -> tuple[list[str], int | None]:
    found, first_at = await last_by_time(stage.hub, stage.view(), count)
    return [orjson.loads(record.json)["text"].split("Z ")[-1].strip() for record in found], first_at


async def check_against_schema(app: Quart, target: str) -> None:
    """Hold the answer to `target` against the schema that the same service publishes."""
    schema = await get(app, "/openapi.json")
    path = target.partition("?")[0]
    told = schema["paths"][path]["get"]["responses"]["200"]["content"]["application/json"]["schema"]
    jsonschema.validate(await get(app, target), {**told, "components": schema["components"]})
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({"nothing": 1}, {**told, "components": schema["components"]})


async def test_answers_are_what_the_published_schema_says(tmp_path: Path) -> None:
    async with Stage(tmp_path) as stage, serving(stage) as app:
        await stage.tell(stage.file("a.log").changes(line(0, "INFO a"), b'{"level":"warn","n":1}\n'))
        for path in ("/api/v1/records", "/api/v1/histogram", "/api/v1/sources", "/healthz", "/readyz"):
            await check_against_schema(app, path)


async def test_the_docs_name_each_route_and_load_nothing_from_elsewhere(tmp_path: Path) -> None:
    async with Stage(tmp_path) as stage, serving(stage) as app:
        response = await app.test_client().get("/docs")
        page = await response.get_data(as_text=True)

    for path in ("/api/v1/stream", "/api/v1/records", "/api/v1/histogram", "/api/v1/sources", "/healthz", "/readyz"):
        assert path in page
    assert "<script" not in page
    assert "http://" not in page
    assert "https://" not in page


async def test_a_file_that_was_recorded_long_before_others_is_in_the_merge(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(merge, "MERGE_BYTES", 20_000)
    monkeypatch.setattr(merge, "_FIRST_WINDOW_BYTES", 1_000)
    async with Stage(tmp_path) as stage, serving(stage):
        small, large, other = stage.file("1.log"), stage.file("2.log"), stage.file("3.log")
        await stage.tell(small.changes(line(1, "old"), line(50, "small a"), b"  goes on\n", line(58, "small b")))
        await stage.tell(other.changes(*(line(0, f"other {n}") for n in range(100))))
        for _ in range(20):
            await stage.tell(large.changes(*(line(30, f"large {n}") for n in range(200))))
        await stage.tell(large.changes(line(55, "large a"), line(59, "large b")))
        found, first_at = await history_of(stage, 5)
        position = await stage.journal.position_at(first_at or 0)

    assert found == ["small a", "goes on", "large a", "small b", "large b"]
    assert position is not None
    assert first_at == len(line(1, "old")), "who comes back with it gets all of them again"


@pytest.mark.parametrize("seed", range(6))
async def test_the_last_records_are_those_with_the_latest_times_however_they_were_recorded(
    tmp_path: Path, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(merge, "MERGE_BYTES", 6_000)
    monkeypatch.setattr(merge, "_FIRST_WINDOW_BYTES", 500)
    pick = random.Random(seed)
    async with Stage(tmp_path) as stage, serving(stage):
        told: list[tuple[int, str]] = []
        for number in range(4):
            times = sorted(pick.sample(range(10_000), pick.randrange(5, 300)))
            texts = [f"2026-11-01T{10 + at // 3_600:02}:{at // 60 % 60:02}:{at % 60:02}Z {number}-{at}" for at in times]
            told += zip(times, texts, strict=True)
            file = stage.file(f"{number}.log")
            for begin in range(0, len(texts), 40):
                await stage.tell(file.changes(*(f"{text}\n".encode() for text in texts[begin : begin + 40])))
        found, _ = await last_by_time(stage.hub, stage.view(), 30)

    latest = sorted(time for time, _ in told)[-30:]
    assert sorted(int(orjson.loads(record.json)["text"].rpartition("-")[2]) for record in found) == latest


async def test_a_record_is_found_by_its_id_without_reading_all_that_was_recorded_with_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(history, "_ITSELF_BYTES", 1_000)
    async with Stage(tmp_path) as stage, serving(stage) as app:
        lines = [b"line %05d\n" % number for number in range(20_000)]
        await stage.tell(stage.file("a.log").changes(*lines, coarse=True))
        middle = (await get(app, "/api/v1/records?limit=1000"))["records"][300]
        found = await get(app, f"/api/v1/records?around={middle['id']}&limit=5")

    at = int(middle["text"].split()[1])
    assert texts(found) == [f"line {number:05}" for number in range(at - 2, at + 3)]


async def test_what_is_lost_is_told_where_it_lay_and_once(tmp_path: Path) -> None:
    async with Stage(tmp_path) as stage, serving(stage) as app:
        first, lost, last = (stage.file(f"{name}.log") for name in ("first", "lost", "last"))
        await stage.tell(first.changes(line(0, "a"), line(1, "b")))
        await stage.tell(lost.changes(line(2, "gone"), line(3, "gone too")))
        await stage.tell(last.changes(line(4, "c"), line(5, "d")))
        lost.path.unlink()
        await stage.tell(lost.sealed(GapReason.DELETED))
        whole = await get(app, "/api/v1/records")
        backward = [await get(app, "/api/v1/records?limit=1")]
        while backward[-1]["more"]:
            backward.append(await get(app, f"/api/v1/records?limit=1&before={backward[-1]['scanned_to']}"))
        forward = [await get(app, f"/api/v1/records?limit=1&after={whole['records'][0]['id']}")]
        while forward[-1]["more"]:
            forward.append(await get(app, f"/api/v1/records?limit=1&after={forward[-1]['scanned_to']}"))
        end = len(line(2, "gone"))
        within = encode_id(Position(lost.key, end, gap_anchor(lost.key, end)))
        around = await get(app, f"/api/v1/records?around={within}")

    (gap,) = whole["gaps"]
    assert [(told["from"], told["lines"]) for told in around["gaps"]] == [(0, 1), (len(line(2, "gone")), 1)]
    size = len(line(2, "gone") + line(3, "gone too"))
    assert (gap["file"], gap["from"], gap["to"], gap["lines"], gap["reason"]) == (str(lost.path), 0, size, 2, "deleted")
    assert [text.split()[-1] for text in texts(whole)] == ["a", "b", "c", "d"]
    for pages, expected in ((backward, ["d", "c", "b", "a"]), (forward, ["b", "c", "d"])):
        assert [text.split()[-1] for page in pages for text in texts(page)] == expected
        assert [told for page in pages for told in page["gaps"]] == [gap]


async def test_since_and_until_walk_on_with_a_limit_in_both_directions(tmp_path: Path) -> None:
    span = f"since={HOUR}:10:00Z&until={HOUR}:40:00Z"
    async with Stage(tmp_path) as stage, serving(stage) as app:
        file = stage.file("a.log")
        for minute in range(60):
            await stage.tell(file.changes(line(minute, f"m{minute}"), b"  goes on\n"))
        page = await get(app, f"/api/v1/records?limit=7&{span}")
        walked = texts(page)
        while page["more"] and texts(page):
            page = await get(app, f"/api/v1/records?limit=7&{span}&before={page['scanned_to']}")
            walked = texts(page) + walked

    expected = [text for minute in range(10, 40) for text in (line(minute, f"m{minute}").decode()[:-1], "  goes on")]
    assert walked == expected
