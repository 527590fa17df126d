"""deploy/'s rules, routes and dashboard, with the real Prometheus and Alertmanager: a loss ends in a message."""

from __future__ import annotations

import json
import queue
import re
import shutil
import subprocess
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models.dashboard import Dashboard

from tests.installed import ROOT, run
from tests.ports import free_port
from tests.running import PATIENCE_SECONDS, SOURCES, Service, eventually, running

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

PROMETHEUS = ROOT / "deploy" / "prometheus"
ROUTES = ROOT / "deploy" / "alertmanager" / "alertmanager.yml"
DASHBOARD = ROOT / "deploy" / "grafana" / "logstream.json"
METRIC = re.compile(r"\blogstream_[a-z_]+\b")


def program(name: str) -> str:
    """The path of a program of Debian's packages prometheus and prometheus-alertmanager."""
    found = shutil.which(name)
    if found is None:
        pytest.skip(f"no {name} on this machine (on Debian: apt install prometheus prometheus-alertmanager)")
    return found


def named(text: str) -> set[str]:
    """The metrics in a text, without names of jobs and groups."""
    return set(METRIC.findall(text))


def expressions() -> str:
    """All expressions of the rules."""
    text = (PROMETHEUS / "logstream.rules.yml").read_text()
    return "\n".join(re.findall(r"expr: (?:>-\n)?((?:.*\n)+?) +(?:for|labels):", text))


def test_each_alert_fires_when_it_should_and_not_before() -> None:
    assert "SUCCESS: 7 rules found" in run(program("promtool"), "check", "rules", PROMETHEUS / "logstream.rules.yml")
    run(program("promtool"), "test", "rules", PROMETHEUS / "logstream.rules.test.yml")
    run(program("promtool"), "check", "config", PROMETHEUS / "prometheus.yml")


def test_each_alert_has_a_test() -> None:
    rules = (PROMETHEUS / "logstream.rules.yml").read_text()
    tests = (PROMETHEUS / "logstream.rules.test.yml").read_text()
    alerts = re.findall(r"- alert: (\w+)", rules)
    assert alerts
    assert [alert for alert in alerts if tests.count(f"alertname: {alert}") < 2] == []


@pytest.mark.parametrize(
    ("alert", "receivers"),
    [("LogstreamGap severity=critical", "chat,mail"), ("LogstreamDegraded severity=warning", "mail")],
)
def test_what_is_lost_goes_to_the_chat_and_all_goes_to_the_mail(alert: str, receivers: str) -> None:
    amtool = program("amtool")
    run(amtool, "check-config", ROUTES)
    told = run(amtool, "config", "routes", "test", f"--config.file={ROUTES}", *f"alertname={alert}".split())
    assert told.strip() == receivers


def test_every_metric_named_in_rules_and_dashboard_is_told_by_the_service(tmp_path: Path) -> None:
    dashboard = "\n".join(target["expr"] for panel in panels() for target in panel["targets"])
    with running(tmp_path) as service:
        told = set(re.findall(r"^# TYPE (\w+) ", service.get("/metrics").text, re.MULTILINE))
    assert len(named(expressions())) >= 6
    assert named(expressions()) - told == set()
    assert named(dashboard) - told == set()
    assert named(expressions()) - named(dashboard) == set(), "each metric of a rule has a panel"


def panels() -> list[dict[str, Any]]:
    told: list[dict[str, Any]] = json.loads(DASHBOARD.read_text())["panels"]
    return told


def test_panels_lie_beside_each_other_and_each_has_its_own_id() -> None:
    places = [(panel["gridPos"]["x"], panel["gridPos"]["y"]) for panel in panels()]
    assert len(set(places)) == len({panel["id"] for panel in panels()}) == len(places)


def test_grafana_knows_each_key_of_the_dashboard() -> None:
    """Its own schema leaves out what it does not know, and refuses values that cannot be."""
    told = json.loads(DASHBOARD.read_text())
    understood = json.loads(JSONEncoder().encode(Dashboard.from_json(told)))
    assert lost(told, understood) == []
    told["panels"][0]["fieldConfig"]["defaults"]["untis"] = "none"
    assert lost(told, json.loads(JSONEncoder().encode(Dashboard.from_json(told)))) == [
        ".panels.0.fieldConfig.defaults.untis"
    ]


def lost(told: Any, understood: Any, at: str = "") -> list[str]:  # noqa: ANN401 - JSON
    """Where `understood` has not what was told."""
    if isinstance(told, dict) and isinstance(understood, dict):
        return [place for key in told for place in lost(told[key], understood.get(key, "missing"), f"{at}.{key}")]
    if isinstance(told, list) and isinstance(understood, list) and len(told) == len(understood):
        pairs = enumerate(zip(told, understood, strict=True))
        return [place for number, (one, other) in pairs for place in lost(one, other, f"{at}.{number}")]
    return [] if told == understood else [at]


def test_each_query_of_the_dashboard_is_one_that_prometheus_takes(tmp_path: Path) -> None:
    queries = {target["expr"].replace("$__rate_interval", "5m") for panel in panels() for target in panel["targets"]}
    assert not any("$" in query for query in queries)
    rules = [{"record": f"query:{number}", "expr": query} for number, query in enumerate(sorted(queries))]
    (tmp_path / "queries.yml").write_text(json.dumps({"groups": [{"name": "dashboard", "rules": rules}]}))
    told = run(program("promtool"), "check", "rules", tmp_path / "queries.yml")
    assert f"SUCCESS: {len(queries)} rules found" in told


def test_a_loss_ends_in_a_message_to_the_chat(tmp_path: Path) -> None:
    programs = program("prometheus"), program("prometheus-alertmanager")
    with running(tmp_path, SOURCES) as service, listening() as (chat, messages):
        lose_lines(service)
        addresses = free_port(), free_port()
        with started(programs, addresses, service.port, chat, tmp_path):
            message = messages.get(timeout=40)
    assert message["status"] == "firing"
    (alert,) = message["alerts"]
    assert alert["labels"]["alertname"] == "LogstreamGap"
    assert (alert["labels"]["source"], alert["labels"]["reason"]) == ("app", "deleted")
    assert alert["annotations"]["summary"] == "lines of app were lost (deleted)"


def lose_lines(service: Service) -> None:
    """A file is read, grows while the service is down, and is gone when it is back."""
    service.write("lost.log", "read")
    service.wait_until_read("lost.log")
    service.kill()
    service.write("lost.log", "never read")
    (service.logs / "lost.log").unlink()
    service.start()
    eventually(lambda: 'logstream_source_gaps_total{reason="deleted"' in service.get("/metrics").text)


@contextmanager
def listening() -> Iterator[tuple[int, queue.Queue[dict[str, Any]]]]:
    """What a chat's webhook is: gives its port, and what is sent to it."""
    messages: queue.Queue[dict[str, Any]] = queue.Queue()

    class Chat(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            messages.put(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Nothing: what comes is looked at."""

    with HTTPServer(("127.0.0.1", 0), Chat) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server.server_port, messages
        server.shutdown()
        thread.join(PATIENCE_SECONDS)


@contextmanager
def started(
    programs: tuple[str, str], addresses: tuple[int, int], service: int, chat: int, folder: Path
) -> Iterator[None]:
    """Both programs with the files of deploy/; only ports are others, and what takes seconds there takes one here."""
    own, routes = addresses
    config = (PROMETHEUS / "prometheus.yml").read_text()
    config = config.replace("15s", "1s").replace(":8780", f":{service}").replace(":9093", f":{routes}")
    (folder / "prometheus.yml").write_text(config)
    shutil.copy(PROMETHEUS / "logstream.rules.yml", folder)
    (folder / "alertmanager.yml").write_text(
        ROUTES.read_text().replace("group_wait: 5s", "group_wait: 1s").replace(":8060", f":{chat}")
    )
    commands = [
        [programs[1], "--config.file=alertmanager.yml", "--storage.path=alerts", "--cluster.listen-address=",
            f"--web.listen-address=127.0.0.1:{routes}"],
        [programs[0], "--config.file=prometheus.yml", "--storage.tsdb.path=series",
            f"--web.listen-address=127.0.0.1:{own}"],
    ]  # fmt: skip
    running_now = []
    try:
        with (folder / "monitoring").open("w") as console:
            running_now += [
                subprocess.Popen(command, cwd=folder, stdout=console, stderr=console) for command in commands
            ]
        for port in addresses:
            eventually(lambda port=port: is_ready(port))  # type: ignore[misc]
        yield
    finally:
        for process in running_now:
            process.terminate()
        for process in running_now:
            process.wait(PATIENCE_SECONDS)


def is_ready(port: int) -> bool:
    try:
        return httpx.get(f"http://127.0.0.1:{port}/-/ready", timeout=5, trust_env=False).is_success
    except httpx.HTTPError:
        return False
