"""Rules on a real service: what they mask leaves it nowhere."""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING

from logstream.journal.ids import anchor_of, encode_id
from logstream.records import Position
from tests.running import SOURCES, eventually, running

if TYPE_CHECKING:
    from pathlib import Path

RULES = """
[[rule]]
name = "password"
match = 'password=(\\S+)'
redact = true

[[rule]]
name = "secrets"
redact = ["bearer", "url-password", "email", "card"]
"""
SECRETS = ["hunter2", "eyJhbGciOi", "s3cret", "eve@example.com", "4111111111111111"]
LINES = [
    "ERROR login password=hunter2 failed",
    "INFO Authorization: Bearer eyJhbGciOi",
    "INFO postgres://app:s3cret@db/shop",
    '{"level":"warn","to":"eve@example.com","card":4111111111111111,"n":1}',
    "INFO nothing to hide",
]
SHOWN = [
    "ERROR login password=*** failed",
    "INFO Authorization: Bearer ***",
    "INFO postgres://app:***@db/shop",
    '{"level":"warn","to":"***","card":***,"n":1}',
    "INFO nothing to hide",
]


def test_a_secret_leaves_the_service_by_no_way_and_ids_stay_those_of_the_file(tmp_path: Path) -> None:
    with running(tmp_path, SOURCES + RULES) as service:
        with service.stream() as live:
            live.expect("ping")
            service.write("a.log", *LINES)
            records = live.records(len(LINES))
        with service.stream(from_="start", shape="batch") as batches, service.stream(from_="-5") as last:
            assert batches.records(len(LINES)) == last.records(len(LINES)) == records
        with service.stream(last_event_id=records[1]["id"]) as resumed:
            assert resumed.texts(3) == SHOWN[2:]
        for secret in SECRETS:
            found = service.get(f"/api/v1/records?after={records[0]['id']}&q=%22{secret}%22").json()
            assert found["records"] == []
        answers = [
            service.get(path).text
            for path in (
                *("/api/v1/records?limit=10", "/api/v1/histogram?q=hunter2", "/api/v1/sources", "/readyz"),
                *("/api/v1/rules", "/metrics", "/api/v1/query?q=pass"),
            )
        ]
        service.stop()
        told = service.stderr

    assert [record["text"] for record in records] == SHOWN
    assert records[3]["fields"] == {"level": "warn", "to": "***", "card": "***", "n": 1}
    assert [record["level"] for record in records] == ["error", "info", "info", "warn", "info"]
    assert int(records[-1]["id"].split(".")[2], 36) == sum(len(line) + 1 for line in LINES)
    for secret in SECRETS:
        assert secret not in "".join(map(str, records))
        assert secret not in "".join(answers)
        assert secret not in told


def test_an_id_made_for_a_place_within_a_line_leads_to_no_secret(tmp_path: Path) -> None:
    """What stands before a secret is shown, so anybody can make the checksum: the rest is no line that a rule knows."""
    before = b"a line that is long enough for the checksum of sixty-four bytes\nERROR login password="
    with running(tmp_path, SOURCES + RULES) as service:
        service.write("a.log", before + b"hunter2 failed", "next")
        with service.stream(from_="start") as stream:
            _, shown, last = stream.records(3)
        assert shown["text"] == SHOWN[0]
        made = encode_id(Position(last["id"].split(".")[1], len(before), anchor_of(before)))
        with service.stream(made, from_="-1") as stream:
            assert stream.expect("hello").json["resume"]["exact"] is False
            assert stream.expect("gap").json["reason"] == "unknown_id"
            assert stream.texts(1) == ["next"]
        for anchor in ("after", "before", "around"):
            assert service.get(f"/api/v1/records?{anchor}={made}").status_code == 404
        assert service.get(f"/api/v1/histogram?after={made}").status_code == 404


def test_masks_change_on_a_reload_and_no_stream_is_cut(tmp_path: Path) -> None:

    with running(tmp_path) as service, service.stream() as live:
        live.expect("ping")
        service.write("a.log", "password=one")
        assert live.texts(1) == ["password=one"]
        (tmp_path / "config.toml").write_text((tmp_path / "config.toml").read_text() + RULES)
        service.signal(signal.SIGHUP)
        eventually(lambda: "reloaded" in service.stderr)
        service.write("a.log", "password=two")
        assert live.texts(1) == ["password=***"]
