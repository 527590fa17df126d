"""Dockerfile and compose.yaml against the repository: there is no engine here, so all is run that needs none.

The wheel is built from the very files that the Dockerfile copies; the health check, the writer and nginx run for real.
"""

from __future__ import annotations

import importlib
import json
import re
import shlex
import shutil
import subprocess
import sys
import tomllib
import zipfile
from fnmatch import fnmatch
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest

from logstream.cli import cli, main
from logstream.config import load
from tests.installed import ROOT, build_wheel, run
from tests.nginx_process import nginx
from tests.ports import free_port
from tests.running import SOURCES, eventually, running

if TYPE_CHECKING:
    from collections.abc import Iterator

DOCKERFILE = (ROOT / "Dockerfile").read_text()
# schemathesis brings it.
COMPOSE: dict[str, Any] = importlib.import_module("yaml").safe_load((ROOT / "compose.yaml").read_text())
NGINX = (ROOT / "deploy/containers/nginx.conf").read_text()


class Step(NamedTuple):
    """An instruction of the Dockerfile."""

    name: str
    text: str

    @property
    def words(self) -> list[str]:
        return list(json.loads(self.text)) if self.text.startswith("[") else shlex.split(self.text)


def stages() -> list[list[Step]]:
    """The instructions of each stage, the last one is what runs."""
    bare = re.sub(r"^#.*\n", "", DOCKERFILE, flags=re.MULTILINE).replace("\\\n", " ")
    found: list[list[Step]] = []
    for line in filter(None, bare.splitlines()):
        name, _, text = line.strip().partition(" ")
        if name == "FROM":
            found.append([])
        found[-1].append(Step(name, text))
    return found


def one(name: str) -> Step:
    (step,) = (step for step in stages()[-1] if step.name == name)
    return step


def environment() -> dict[str, str]:
    return dict(word.split("=", 1) for word in one("ENV").words)


def copied(stage: list[Step]) -> Iterator[tuple[str, str]]:
    """Each source in the repository, and where it goes."""
    for step in stage:
        if step.name == "COPY" and not step.text.startswith("--from"):
            *sources, target = step.words
            yield from ((source, target) for source in sources)


def health_command(port: int) -> list[str]:
    program, *arguments = json.loads(one("HEALTHCHECK").text.partition("CMD ")[2])
    assert program == "python"
    return [sys.executable, *(argument.replace(":8780", f":{port}") for argument in arguments)]


def test_what_is_copied_is_in_the_repository_and_reaches_the_engine() -> None:
    tracked = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout.split()
    lines = [line for line in (ROOT / ".dockerignore").read_text().splitlines() if line and line[0] != "#"]
    shown = {line[1:] for line in lines if line[0] == "!"}
    sources = {source.rstrip("/") for stage in stages() for source, _ in copied(stage)}
    for source in sources:
        assert any(name == source or name.startswith(f"{source}/") for name in tracked), f"{source} is not there"
        assert any(source == name or source.startswith(f"{name}/") for name in shown), f"{source} is ignored"
    assert {source.split("/")[0] for source in sources} == shown, "more is sent to the engine than is copied"
    hidden = [line for line in lines if line[0] != "!" and line != "*"]
    assert not [source for source in sources if any(fnmatch(source, pattern) for pattern in hidden)]


def test_the_wheel_is_whole_when_it_is_built_from_what_is_copied(tmp_path: Path) -> None:
    tree = tmp_path / "src"
    for source, target in copied(stages()[1]):
        place = tree / (source if target == "./" else target)
        if (ROOT / source).is_dir():
            shutil.copytree(ROOT / source, place, ignore=shutil.ignore_patterns("__pycache__", "static"))
        else:
            place.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / source, place)
    # As `COPY --from=page` does, where the page's stage has built it.
    assert Step("COPY", "--from=page /src/logstream/static/ logstream/static/") in stages()[1]
    shutil.copytree(ROOT / "logstream/static", tree / "logstream/static")
    (tmp_path / "wheels").mkdir()
    with zipfile.ZipFile(build_wheel(tree, tmp_path / "wheels")) as wheel:
        names = {name for name in wheel.namelist() if name.startswith("logstream/")}
    modules = {path.relative_to(ROOT).as_posix() for path in (ROOT / "logstream").rglob("*.py")}
    wanted = {
        "logstream/static/index.html",
        "logstream/systemd/logstream.service",
        "logstream/deploy/nginx/logstream.conf",
    }
    assert modules | wanted <= names


def test_the_page_is_built_where_the_next_stage_looks_for_it() -> None:
    page = stages()[0]
    assert [step.text for step in page if step.name == "WORKDIR"] == ["/src/web"]
    scripts = json.loads((ROOT / "web/package.json").read_text())["scripts"]
    assert [step.text for step in page if step.name == "RUN"] == ["npm ci", "npm run build"]
    assert scripts["build"] == "vite build"
    assert '"../logstream/static"' in (ROOT / "web/vite.config.ts").read_text()


def test_what_runs_is_nobody_special_and_finds_its_program_state_and_configuration() -> None:
    user, env = one("USER").text, environment()
    assert re.fullmatch(r"([1-9]\d*):\1", user)
    assert f"--uid {user.partition(':')[0]} " in one("RUN").text
    assert one("VOLUME").text == env["LOGSTREAM_STATE__DIR"]
    assert f"--owner=logstream --group=logstream --mode=0700 {env['LOGSTREAM_STATE__DIR']}" in one("RUN").text
    assert ("config.toml", env["LOGSTREAM_CONFIG"]) in list(copied(stages()[-1]))
    assert Step("COPY", "--from=program /opt/logstream /opt/logstream") in stages()[-1]
    assert env["PATH"].startswith("/opt/logstream/bin:")
    scripts = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["scripts"]
    assert one("ENTRYPOINT").words[0] in scripts
    assert one("CMD").words[0] in cli.commands


def test_the_port_is_the_same_everywhere() -> None:
    settings = load(ROOT / "config.toml", {})
    port = settings.server.port
    assert one("EXPOSE").text == str(port)
    assert f"127.0.0.1:{port}/healthz" in one("HEALTHCHECK").text
    assert f"server logstream:{port};" in NGINX


def test_the_health_check_passes_while_the_service_runs_and_fails_when_it_does_not(tmp_path: Path) -> None:
    with running(tmp_path, SOURCES) as service:
        assert subprocess.run(health_command(service.port), check=False).returncode == 0
        port = service.port
    assert subprocess.run(health_command(port), check=False, capture_output=True).returncode != 0


def test_all_that_is_mounted_is_there_and_every_volume_and_network_is_declared() -> None:
    for name, service in COMPOSE["services"].items():
        for volume in service["volumes"]:
            source = volume.split(":")[0]
            is_there = (ROOT / source).is_file() if source.startswith("./") else source in COMPOSE["volumes"]
            assert is_there, f"{name}: {source}"
        assert set(service.get("networks", ())) <= set(COMPOSE["networks"])
        assert set(service.get("depends_on", ())) <= set(COMPOSE["services"])


def test_compose_itself_takes_the_file() -> None:
    compose = shutil.which("docker-compose")
    if compose is None:
        pytest.skip("no docker-compose on this machine (on Debian: apt install docker-compose)")
    taken = importlib.import_module("yaml").safe_load(run(compose, "--file", "compose.yaml", "config"))
    assert set(taken["services"]) == set(COMPOSE["services"])
    # What it understood is what was meant: compose makes one dollar of two, and two again in what it prints.
    assert taken["services"]["writer"]["command"] == COMPOSE["services"]["writer"]["command"]
    assert taken["services"]["nginx"]["depends_on"]["logstream"]["condition"] == "service_healthy"


def test_only_nginx_is_reached_and_only_from_this_machine() -> None:
    services = COMPOSE["services"]
    assert [name for name, service in services.items() if "ports" in service] == ["nginx"]
    host, _, port = services["nginx"]["ports"][0].split(":")
    assert host == "127.0.0.1"
    assert f"listen {port};" in NGINX
    assert services["logstream"]["networks"] == ["inside"]
    assert COMPOSE["networks"]["inside"] == {"internal": True}
    assert services["nginx"]["depends_on"]["logstream"]["condition"] == "service_healthy"


def test_the_service_accepts_its_configuration_and_watches_what_the_writer_writes() -> None:
    service, writer = COMPOSE["services"]["logstream"], COMPOSE["services"]["writer"]
    mounts = dict(volume.split(":")[:2] for volume in service["volumes"])
    assert mounts["./deploy/containers/config.toml"] == environment()["LOGSTREAM_CONFIG"]
    assert mounts["state"] == environment()["LOGSTREAM_STATE__DIR"]
    settings = load(ROOT / "deploy/containers/config.toml", {**environment(), **service["environment"]})
    assert settings.server.host == "0.0.0.0"  # noqa: S104 - behind nginx, in a network of their own
    assert dict(volume.split(":")[:2] for volume in writer["volumes"])["logs"] == mounts["logs"]
    (pattern,) = settings.sources[0].paths
    assert Path(pattern).parent == Path(mounts["logs"])
    assert f"{mounts['logs']}/app.log" in writer["command"][-1]


def test_the_writer_writes_lines(tmp_path: Path) -> None:
    command = [part.replace("/var/log/demo", str(tmp_path)) for part in COMPOSE["services"]["writer"]["command"]]
    # Compose makes one dollar of two.
    process = subprocess.Popen([part.replace("$$", "$") for part in command])
    try:
        eventually(lambda: (tmp_path / "app.log").exists() and "order 1 placed" in (tmp_path / "app.log").read_text())
    finally:
        process.terminate()
        process.wait(20)


def test_nginx_passes_everything_on_as_the_doctor_wants_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "nginx").mkdir()
    port = free_port()
    with running(tmp_path, f"[stream]\nheartbeat_seconds = 0.5\n{SOURCES}") as service:
        server = NGINX.replace("logstream:8780", f"127.0.0.1:{service.port}").replace("8080", f"127.0.0.1:{port}")
        with nginx(tmp_path / "nginx", server, port):
            code = main(["doctor", f"http://127.0.0.1:{port}", "--json"])
    found = json.loads(capsys.readouterr().out)
    assert code == 0, found
    assert {"buffering", "idle", "last-event-id", "page"} <= {finding["check"] for finding in found}
