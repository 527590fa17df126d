"""What a client that reads nothing costs, counted with the kernel's buffers."""

from __future__ import annotations

from pathlib import Path

from tests.running import Service, running

CLIENTS = 98  # and one that reads, within the limit of one client
MOST_BYTES = 300_000


def unsent_bytes(port: int) -> int:
    """What the kernel holds for clients of `port` and has not sent or had acknowledged (proc(5), net/tcp)."""
    held = 0
    for line in Path("/proc/net/tcp").read_text().splitlines()[1:]:
        fields = line.split()
        if int(fields[1].rpartition(":")[2], 16) == port:
            held += int(fields[4].partition(":")[0], 16)
    return held


def flood(service: Service, count: int) -> list[str]:
    lines = [f"{n:08d} {'z' * 100}" for n in range(count)]
    service.write("a.log", *lines)
    return lines


def test_a_client_that_reads_nothing_costs_less_than_300_kilobytes_and_delays_nobody(tmp_path: Path) -> None:
    """Conformance: I8."""
    with running(tmp_path) as service:
        service.wait_until_ready()
        with service.stream() as swift:
            swift.expect("ping")
            for _ in range(3):  # fills the buffers that all clients share
                warm = flood(service, 100_000)
                assert swift.texts(len(warm)) == warm
            before = service.resident_bytes()
            stuck = [service.stream(receive_bytes=4_096) for _ in range(CLIENTS)]
            lines = flood(service, 100_000)
            assert swift.texts(len(lines)) == lines
            grown = service.resident_bytes() - before
            cost = (grown + unsent_bytes(service.port)) / CLIENTS
            told = stuck[0].texts(1_000)
        for stream in stuck:
            stream.cut()

    assert cost < MOST_BYTES
    assert told == lines[:1_000]
