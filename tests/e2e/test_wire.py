"""The stream as docs/wire.md fixes it, read from a real service over a plain socket."""

from __future__ import annotations

import json
import os
from contextlib import suppress
from typing import TYPE_CHECKING

import httpx
import pytest

from tests.running import SOURCES, Service, Stream, StreamEndedError, eventually, running

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

UNKNOWN_IDS = {
    "garbage": "drop table students",
    "foreign": "1.abcdefgh.000000009.0000001",
    "oversized": "1." + "a" * 5_000,
    "latin": "1.\xe9\xe9",
}


@pytest.fixture(name="service")
def _service(tmp_path: Path) -> Iterator[Service]:
    with running(tmp_path) as service:
        yield service


def test_the_stream_begins_with_hello_and_the_headers_that_proxies_need(service: Service) -> None:
    with service.stream() as stream:
        hello = stream.event()

    assert stream.status == 200
    assert stream.headers["content-type"] == "text/event-stream; charset=utf-8"
    assert stream.headers["cache-control"] == "no-store, no-transform"
    assert stream.headers["x-accel-buffering"] == "no"
    assert hello.type == "hello"
    assert hello.id is None
    assert set(hello.json) == {"version", "heartbeat_seconds", "retry_ms", "sources", "resume"}
    assert hello.json["sources"] == ["app"]
    assert hello.json["resume"] == {"from": None, "exact": True, "reason": None}


def test_a_line_arrives_as_a_record_with_its_position_as_id(service: Service) -> None:
    with service.stream() as stream:
        stream.expect("ping")
        service.write("a.log", "2026-11-23T10:00:00Z ERROR disk full")
        event = stream.expect("line")

    record = event.json
    assert list(record) == ["id", "source", "file", "time", "level", "event", "text", "fields", "rules", "cont"]
    assert record["text"] == "2026-11-23T10:00:00Z ERROR disk full"
    assert record["level"] == "error"
    assert record["time"].startswith("2026-11-23T10:00:00")
    assert record["file"] == str(service.logs / "a.log")
    assert (record["source"], record["event"], record["fields"], record["rules"]) == ("app", "line", None, [])
    assert record["cont"] is False
    assert event.id == record["id"]
    assert len(event.id or "") <= 40


def test_batches_hold_the_same_records_and_carry_the_id_of_their_last(service: Service) -> None:
    service.write("a.log", *[f"line {n}" for n in range(5_000)])
    with service.stream(from_="start") as lines, service.stream(from_="start", shape="batch") as batches:
        singles = lines.records(5_000)
        joined: list[dict[str, object]] = []
        while len(joined) < 5_000:
            batch = batches.expect("batch")
            assert batch.id == batch.json[-1]["id"]
            assert sum(len(record["text"]) + 1 for record in batch.json) <= 65_536
            joined.extend(batch.json)

    assert joined == singles


def test_a_ping_before_any_data_has_no_id_and_after_data_has_the_position_reached(service: Service) -> None:
    with service.stream() as stream:
        assert stream.expect("ping").id is None
        service.write("a.log", "one")
        line = stream.expect("line")
    with service.stream() as stream:
        ping = stream.expect("ping")

    assert ping.id == line.id
    assert ping.json["lag_bytes"] == 0
    assert set(ping.json["sources"]["app"]) == {"complete_since", "gaps"}


def test_pings_come_with_the_configured_heartbeat(tmp_path: Path) -> None:
    with running(tmp_path, f"[stream]\nheartbeat_seconds = 0.2\n{SOURCES}") as service, service.stream() as stream:
        assert stream.event().json["heartbeat_seconds"] == 0.2
        assert [stream.event().type for _ in range(4)] == ["ping"] * 4


def test_from_minus_n_gives_the_last_n_matches_and_live_goes_on_behind_them(service: Service) -> None:
    service.write("a.log", *[f"line {n} {'even' if n % 2 == 0 else 'odd'}" for n in range(10_000)])
    service.wait_until_read("a.log")
    with service.stream(from_="-3", q="even") as stream:
        stream.expect("hello")
        events = [stream.expect("line") for _ in range(3)]
        service.write("a.log", "line 10000 even")
        live = stream.expect("line")

    assert [event.json["text"] for event in events] == [f"line {n} even" for n in (9994, 9996, 9998)]
    assert [event.id is None for event in events] == [True, True, False]
    assert all(event.json["id"] for event in events)
    assert live.json["text"] == "line 10000 even"
    with service.stream(last_event_id=events[-1].id) as stream:
        assert stream.texts(1) == ["line 10000 even"]


def test_from_minus_n_as_batch_is_one_batch_with_the_live_position_as_id(service: Service) -> None:
    service.write("a.log", "a", "b", "c", "drop me")
    service.wait_until_read("a.log")
    with service.stream(from_="start") as stream:
        last = stream.records(4)[-1]
    with service.stream(from_="-2", shape="batch", q="-drop") as stream:
        batch = stream.expect("batch")

    assert [record["text"] for record in batch.json] == ["b", "c"]
    assert batch.id == last["id"]


def test_from_an_id_goes_on_behind_it(service: Service) -> None:
    service.write("a.log", "a", "b", "c")
    with service.stream(from_="start") as stream:
        first = stream.records(1)[0]
    with service.stream(from_=first["id"]) as stream:
        assert stream.event().json["resume"] == {"from": first["id"], "exact": True, "reason": None}
        assert stream.texts(2) == ["b", "c"]


@pytest.mark.parametrize("spelling", ["2026-11-23T10:00:02Z", "2026-11-23T11:00:02+01:00"])
def test_from_a_time_begins_with_the_first_line_that_is_not_older(service: Service, spelling: str) -> None:
    service.write("a.log", *[f"2026-11-23T10:00:0{n}Z line {n}" for n in range(5)])
    service.wait_until_read("a.log")
    with service.stream(from_=spelling) as stream:
        assert [text[-1] for text in stream.texts(3)] == ["2", "3", "4"]


def test_the_header_wins_over_the_parameter_and_both_over_from(service: Service) -> None:
    service.write("a.log", "a", "b", "c", "d")
    with service.stream(from_="start") as stream:
        ids = [record["id"] for record in stream.records(3)]
    with service.stream(ids[2], last_event_id_=ids[0], from_="start") as stream:
        assert stream.texts(1) == ["d"]
    with service.stream(last_event_id=None, from_="start", last_event_id_=ids[1]) as stream:
        assert stream.texts(2) == ["c", "d"]


@pytest.mark.parametrize("kind", [*UNKNOWN_IDS, "ahead", "wrong anchor", "no anchor"])
def test_an_unknown_id_is_answered_by_hello_gap_and_then_from(service: Service, kind: str) -> None:
    """Conformance: I2, I3."""
    service.write("a.log", "a", "b", "c")
    with service.stream(from_="start") as stream:
        ids = [record["id"] for record in stream.records(3)]
    version, generation, offset, anchor = ids[-1].split(".")
    made = {
        "ahead": f"{version}.{generation}.{int(offset, 36) + 1:0>9}.{anchor}",
        "wrong anchor": f"{version}.{generation}.{offset}.0000001",
        "no anchor": f"{version}.{generation}.{offset}.0000000",
    }
    unknown = UNKNOWN_IDS.get(kind) or made[kind]

    with service.stream(unknown) as stream:
        hello, gap = stream.event(), stream.event()
        service.write("a.log", "d")
        live = stream.texts(1)
    with service.stream(unknown, from_="start") as replay:
        replay.expect("gap")
        replayed = replay.texts(4)

    assert stream.status == 200
    assert hello.json["resume"]["exact"] is False
    assert hello.json["resume"]["reason"]
    assert gap.type == "gap"
    assert gap.json == dict.fromkeys(["source", "file", "from", "to", "lines", "bytes"]) | {"reason": "unknown_id"}
    assert gap.id == ids[-1]
    assert live == ["d"]
    assert replayed == ["a", "b", "c", "d"]


def test_a_client_cut_in_a_backfill_after_an_unknown_id_comes_back_to_all_of_it(service: Service) -> None:
    service.write("a.log", *[f"line {n}" for n in range(10)])
    service.wait_until_read("a.log")
    with service.stream("nonsense", from_="-4") as stream:
        gap = stream.expect("gap")
        assert stream.texts(4) == ["line 6", "line 7", "line 8", "line 9"]
    with service.stream(gap.id) as stream:
        assert stream.texts(4) == ["line 6", "line 7", "line 8", "line 9"]


def test_an_unknown_id_goes_on_at_the_id_in_from(service: Service) -> None:
    service.write("a.log", "a", "b", "c")
    with service.stream(from_="start") as stream:
        first = stream.records(3)[0]["id"]
    with service.stream("nonsense", from_=first) as stream:
        assert stream.event().json["resume"]["exact"] is False
        assert stream.expect("gap").id == first
        assert stream.texts(2) == ["b", "c"]


def test_a_filtered_stream_names_only_its_sources_and_gives_only_their_lines(tmp_path: Path) -> None:
    config = "\n".join(f'[[source]]\nname = "{name}"\npaths = ["logs/{name}.log"]' for name in ("web-a", "web-b", "db"))
    with running(tmp_path, config) as service:
        for name in ("web-a", "db", "web-b"):
            service.write(f"{name}.log", name)
        with service.stream(source="web-*", from_="start") as stream:
            assert stream.event().json["sources"] == ["web-a", "web-b"]
            assert sorted(stream.texts(2)) == ["web-a", "web-b"]


def test_rules_drop_type_and_tag_lines(tmp_path: Path) -> None:
    rules = """
[[rule]]
name = "keep-slow"
match = "slow"
action = "keep"
[[rule]]
name = "no-health"
match = "healthz"
action = "drop"
[[rule]]
name = "5xx"
match = '" 5\\d\\d '
event = "http-5xx"
set_level = "error"
"""
    with running(tmp_path, SOURCES + rules) as service:
        service.write("a.log", '"GET /healthz" 200 1', '"GET /healthz" 200 slow', '"GET /" 502 3', "plain")
        service.wait_until_read("a.log")
        with service.stream(from_="start") as stream:
            stream.expect("hello")
            kept, failed, plain = (stream.event() for _ in range(3))

    assert kept.json["text"].endswith("slow")
    assert (failed.type, failed.json["event"], failed.json["level"]) == ("http-5xx", "http-5xx", "error")
    assert failed.json["rules"] == ["5xx"]
    assert (plain.type, plain.json["rules"]) == ("line", [])


def test_a_bad_query_is_told_with_its_column(service: Service) -> None:
    answer = service.get("/api/v1/stream?q=error%20(timeout")

    assert answer.status_code == 400
    assert answer.headers["content-type"] == "application/problem+json"
    told = answer.json()
    assert told["column"] >= 1
    assert told["expected"]
    assert told["status"] == 400


EXPENSIVE = ["/^" + ".?" * 100 + "zz$/", "/^" + "[a-z]?" * 300 + "zz$/", "a" * 4_000, "/(" + "a?" * 500 + "){3}/"]


@pytest.mark.parametrize("query", EXPENSIVE)
def test_no_query_holds_up_other_clients(service: Service, query: str) -> None:
    with service.stream() as other:
        other.expect("ping")
        with service.stream(q=query) as stream:
            assert stream.status == 400
        service.write("a.log", "still here")
        assert other.texts(1) == ["still here"]


@pytest.mark.parametrize("parameters", ["from=tomorrow", "shape=round", "from=-0", "form=start", "from=-99999999"])
def test_a_bad_parameter_is_told_by_name_with_what_was_expected(service: Service, parameters: str) -> None:
    answer = service.get(f"/api/v1/stream?{parameters}")

    assert answer.status_code == 400
    assert answer.json()["parameter"] == parameters.partition("=")[0]
    assert answer.json()["expected"]


def test_an_unknown_source_is_404_and_the_known_ones_are_listed(service: Service) -> None:
    answer = service.get("/api/v1/stream?source=nginx")

    assert answer.status_code == 404
    assert answer.json()["known"] == ["app"]


def test_a_ten_megabyte_query_string_is_refused_and_the_service_goes_on(service: Service) -> None:
    # A server may close while a client still sends: not hearing the refusal is right too.
    with suppress(OSError, StreamEndedError), Stream(service.port, f"/api/v1/stream?q={'a' * 10_000_000}") as stream:
        assert stream.status in {400, 413, 414, 431}

    assert service.get("/healthz").status_code == 200
    assert "Traceback" not in service.stderr


def test_head_answers_headers_and_opens_no_stream(service: Service) -> None:
    answer = httpx.head(f"{service.url}/api/v1/stream", timeout=20)

    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/event-stream; charset=utf-8"


HOSTILE = [
    b"id: 1",
    b"data: {}",
    b"event: bye",
    b": comment",
    b"retry: 1",
    b"nul \x00 inside",
    b"carriage\rreturn and event: x\r\rdata: y",
    "separators \u2028 \u2029 \u0085 \x0b \x0c \x1c".encode(),
    b"invalid \xff\xfe utf-8",
    b'quotes " and \\ backslash',
    b"",
    b"   ",
    "umlaut \u00e4\u00f6\u00fc and \U0001f600".encode(),
    b"<script>alert(1)</script>",
]


def test_no_line_can_break_the_framing_or_forge_a_field(service: Service) -> None:
    """Conformance: E5, E6, E10, E13, E14, E15."""
    service.write("a.log", *HOSTILE)
    with service.stream(from_="start") as stream:
        records = stream.records(len(HOSTILE))

    assert [record["text"] for record in records] == [line.decode("utf-8", "replace") for line in HOSTILE]
    assert len({record["id"] for record in records}) == len(HOSTILE)


def test_crlf_line_ends_are_not_part_of_the_text(service: Service) -> None:
    """Conformance: E4."""
    service.write("a.log", b"one\r", b"two\r", b"three")
    with service.stream(from_="start", q="/^two$/") as stream:
        assert stream.texts(1) == ["two"]
    with service.stream(from_="start") as stream:
        assert stream.texts(3) == ["one", "two", "three"]


def test_a_partial_line_waits_until_it_is_whole(service: Service) -> None:
    """Conformance: E1."""
    path = service.logs / "a.log"
    with service.stream() as stream:
        stream.expect("ping")
        with path.open("ab") as file:
            file.write(b"first\nhalf ")
        assert stream.texts(1) == ["first"]
        with path.open("ab") as file:
            file.write(b"and half\n")
        assert stream.texts(1) == ["half and half"]


def test_fifty_megabytes_without_a_newline_arrive_in_fragments_that_can_be_resumed(service: Service) -> None:
    """Conformance: E7."""
    line = "x" * 50_000_000
    with service.stream(shape="batch") as stream:
        stream.expect("ping")
        service.write("a.log", line, "after")
        got = _batches_until(stream, "after")
    with service.stream(str(got[100]["id"]), shape="batch") as stream:
        rest = _batches_until(stream, "after")

    assert "".join(str(record["text"]) for record in got) == line + "after"
    assert [record["cont"] for record in got] == [False] + [True] * (len(got) - 2) + [False]
    assert rest == got[101:]


def test_memory_does_not_grow_with_the_length_of_a_line(service: Service) -> None:
    sizes = []
    for _ in range(2):
        with service.stream(shape="batch") as stream:
            stream.expect("ping")
            service.write("a.log", "x" * 50_000_000, "after")
            _batches_until(stream, "after")
        sizes.append(service.resident_bytes())

    # The first line fills the bounded buffers; the second finds them full.
    assert sizes[1] - sizes[0] < 40_000_000


def _batches_until(stream: Stream, last: str) -> list[dict[str, object]]:
    found: list[dict[str, object]] = []
    while not found or found[-1]["text"] != last:
        found.extend(stream.expect("batch").json)
    return found


def test_sources_tells_each_file_and_its_state(service: Service) -> None:
    service.write("a.log", "one")
    os.mkfifo(service.logs / "pipe.log")

    def told() -> dict[str, str]:
        source = service.get("/api/v1/sources").json()["sources"][0]
        return {file["file"].rpartition("/")[2]: file["state"] for file in source["files"]}

    eventually(lambda: told() == {"a.log": "following", "pipe.log": "untailable"})


def test_the_page_or_a_hint_how_to_build_it_is_at_the_root(service: Service) -> None:
    answer = service.get("/")

    assert (answer.status_code, "logstream" in answer.text) in {(200, True), (503, True)}


def test_unknown_paths_are_problems_too(service: Service) -> None:
    answer = service.get("/api/v1/nothing")

    assert answer.status_code == 404
    assert json.loads(answer.text)["status"] == 404
