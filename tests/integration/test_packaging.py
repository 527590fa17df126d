from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import subprocess
import sys
import tarfile
import urllib.request
import zipfile
from typing import TYPE_CHECKING

import pytest

import logstream
from tests.installed import Installed, build_wheel, every_python, run
from tests.ports import free_port

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

PAGE = "logstream/static/index.html"
# Building the page and filling an environment go to the package registries.
slow_as_a_registry = pytest.mark.timeout(600)


@slow_as_a_registry
def test_a_wheel_built_from_a_clean_tree_holds_the_page_and_no_tests(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
        page = archive.read(PAGE).decode()
    assets = re.findall(r'(?:src|href)="[^"]*?(assets/[^"]+)"', page)
    assert assets, "the page names no script or style sheet of its own"
    assert {f"logstream/static/{asset}" for asset in assets} <= set(names)
    folders = {name.split("/")[0] for name in names}
    assert folders == {"logstream", f"logstream_live-{logstream.__version__}.dist-info"}


@slow_as_a_registry
def test_a_wheel_holds_the_licence_of_each_package_that_the_page_is_made_of(wheel: Path, clean_tree: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        told = archive.read("logstream/static/licenses.md").decode()
    packages = json.loads((clean_tree / "web" / "package.json").read_text())["dependencies"]
    packages["@vue/runtime-dom"] = packages.pop("vue")  # all that is left of it in the page
    assert [name for name, version in packages.items() if f"\n## {name} - {version} (MIT)\n" not in told] == []
    assert told.count("\n## ") == told.count("Permission is hereby granted, free of charge")


@slow_as_a_registry
def test_an_sdist_holds_sources_and_page_so_that_it_installs_without_node(
    wheel: Path, clean_tree: Path, tmp_path: Path
) -> None:
    # The fixture `wheel` has built the page in the clean tree, so this build finds it fresh.
    run(sys.executable, "-m", "build", "--sdist", "--no-isolation", "--outdir", tmp_path, clean_tree)
    (sdist,) = tmp_path.glob("*.tar.gz")
    with tarfile.open(sdist) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    assert {PAGE, "web/package.json", "web/package-lock.json", "hatch_build.py", "LICENSE", "README.md"} <= names
    assert not any("node_modules" in name for name in names)

    (tmp_path / "wheel").mkdir()
    rebuilt = build_wheel(sdist, tmp_path / "wheel", env=_environment_without_npm(tmp_path / "bin"))
    with zipfile.ZipFile(rebuilt) as ours, zipfile.ZipFile(wheel) as theirs:
        assert ours.namelist() == theirs.namelist()
        assert ours.read(PAGE) == theirs.read(PAGE)


def _environment_without_npm(folder: Path) -> dict[str, str]:
    """This environment with an npm first on PATH that fails: whoever builds the page after all is found out."""
    folder.mkdir()
    npm = folder / "npm"
    npm.write_text("#!/bin/sh\necho 'npm was called' >&2\nexit 1\n")
    npm.chmod(0o755)
    return os.environ | {"PATH": f"{folder}:{os.environ['PATH']}"}


@every_python
@slow_as_a_registry
def test_the_wheel_in_an_empty_environment_serves_the_page_and_stops_cleanly(
    python: str, installed: Callable[[str], Installed], tmp_path: Path
) -> None:
    own = installed(python)
    assert logstream.__version__ in run(own.logstream, "--version", cwd=tmp_path)

    port = free_port()
    (tmp_path / "app.log").write_text("2026-01-02T03:04:05Z INFO first line\n")
    config = tmp_path / "config.toml"
    config.write_text(
        f"[server]\nport = {port}\n"
        f"[state]\ndir = {json.dumps(str(tmp_path / 'state'))}\n"
        f"[[source]]\nname = 'app'\npaths = [{json.dumps(str(tmp_path / '*.log'))}]\n"
    )
    with contextlib.ExitStack() as ended:
        # In a directory of its own: what runs is the wheel, not the work tree.
        server = ended.enter_context(
            subprocess.Popen(
                [str(own.logstream), "serve", "--config", str(config)],
                cwd=tmp_path,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
            )
        )
        ended.callback(server.kill)
        address = _printed_address(server, port)
        assert '<script type="module"' in _get(f"{address}/")
        assert _get(f"{address}/healthz")
        server.send_signal(signal.SIGTERM)
        rest = server.communicate()[0]
        assert server.returncode == 0, rest
        assert "Traceback" not in rest


def _printed_address(server: subprocess.Popen[str], port: int) -> str:
    """The address that the server prints once it listens; fails with its words if it ends without one."""
    assert server.stdout is not None
    said = []
    for line in server.stdout:
        said.append(line)
        if found := re.search(rf"http://[\w.\[\]:]+:{port}\b", line):
            return found.group()
    pytest.fail("the server ended before it listened:\n" + "".join(said))


def _get(url: str) -> str:
    """The body of a 200; urllib raises HTTPError for 4xx and 5xx."""
    with urllib.request.urlopen(url, timeout=30) as response:  # noqa: S310 - an http address of our own server
        assert response.status == 200
        return str(response.read(), "utf-8")
