"""Holds imports, pyproject.toml and the lock files together, and the lock files free of addresses of registries."""

from __future__ import annotations

import ast
import json
import re
import sys
import tomllib
from importlib.metadata import PackageNotFoundError, metadata, packages_distributions

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.installed import ROOT

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
GROUPS: dict[str, list[str]] = {
    "dependencies": PROJECT["project"]["dependencies"],
    # Entries that are not text include another group.
    **{name: [e for e in entries if isinstance(e, str)] for name, entries in PROJECT["dependency-groups"].items()},
}
GROUPS_OF_LOCKS = {
    "requirements.lock": ["dependencies"],
    "requirements-build.lock": ["build"],
    "requirements-node.lock": ["node"],
    "requirements-dev.lock": ["dependencies", "build", "dev"],
}
PIN = re.compile(r"(?P<name>[a-z0-9-]+)==(?P<version>\S+)(?: ; (?P<marker>[^#]+?))?(?: +--hash=sha256:[0-9a-f]{64})+")

every_lock = pytest.mark.parametrize("lock", GROUPS_OF_LOCKS)


def _pins(lock: str) -> dict[str, set[str]]:
    """Name to its versions, more than one where Pythons differ; fails for a line that is no pin with hashes."""
    text = (ROOT / lock).read_text().replace("\\\n", "")
    lines = [line for line in text.splitlines() if not line.lstrip().startswith("#")]
    found = [PIN.fullmatch(line) for line in lines]
    assert [line for line, pin in zip(lines, found, strict=True) if pin is None] == []
    pins: dict[str, set[str]] = {}
    for pin in found:
        if pin is not None:
            pins.setdefault(pin["name"], set()).add(pin["version"])
    return pins


@every_lock
def test_a_lock_holds_pins_with_hashes_and_no_address(lock: str) -> None:
    assert _pins(lock)
    assert "://" not in (ROOT / lock).read_text()


@pytest.mark.parametrize("directory", ["web", "bench/frontail"])
def test_a_lock_of_npm_holds_hashes_and_no_address(directory: str) -> None:
    packages = json.loads((ROOT / directory / "package-lock.json").read_text())["packages"]
    assert [name for name, package in packages.items() if "resolved" in package] == []
    assert [name for name, package in packages.items() if name and "integrity" not in package] == []
    assert "://" not in (ROOT / directory / ".npmrc").read_text()


@every_lock
def test_a_lock_satisfies_what_pyproject_asks_for(lock: str) -> None:
    pins = _pins(lock)
    for requirement in (Requirement(text) for group in GROUPS_OF_LOCKS[lock] for text in GROUPS[group]):
        versions = pins.get(canonicalize_name(requirement.name), set())
        assert versions, f"{requirement.name} is not locked: run `make lock`"
        assert any(map(requirement.specifier.contains, versions)), f"{requirement}: {versions}: run `make lock`"


def test_all_locks_agree_on_versions() -> None:
    whole = _pins("requirements-dev.lock")
    assert _pins("requirements.lock").items() <= whole.items()
    assert _pins("requirements-build.lock").items() <= whole.items()


def test_node_is_no_dependency_of_the_product_and_one_version_for_make_and_the_build_hook() -> None:
    assert not any("node" in name for name in _pins("requirements.lock"))
    (requirement,) = GROUPS["node"]
    assert f'NODE_WHEEL = "{requirement}"' in (ROOT / "hatch_build.py").read_text()


@pytest.mark.parametrize("group", GROUPS)
def test_each_dependency_has_its_reason_beside_it(group: str) -> None:
    reasons = dict(re.findall(r'^ *"(.+)", +# (.+)$', (ROOT / "pyproject.toml").read_text(), flags=re.MULTILINE))
    without = [requirement for requirement in GROUPS[group] if " " not in reasons.get(requirement, "")]
    assert without == []


def test_the_product_imports_what_it_declares_and_declares_what_it_imports() -> None:
    declared = {canonicalize_name(Requirement(text).name) for text in GROUPS["dependencies"]}
    distributions = packages_distributions()
    imported = {canonicalize_name(distributions[package][0]) for package in _foreign_packages()}
    # pydantic pins its core to one version and gives some of its types only there.
    assert sorted(imported - declared - {"pydantic-core"}) == []
    assert sorted(declared - imported) == []


def test_each_package_of_the_product_has_a_licence_that_asks_for_no_more_than_a_notice() -> None:
    """The Mozilla licence among them: it asks for changes to its own files alone."""
    wanted = re.compile(r"\b(MIT(-0)?|BSD|(0BSD|BSD-[23]-Clause)|Apache|PSF|MPL|Mozilla|Zlib|CC0|ISC)\b")
    told = {name: _licences(name) for name in _pins("requirements.lock")}
    assert [name for name, words in told.items() if words is not None and not wanted.search(words)] == []
    assert [name for name, words in told.items() if re.search(r"GPL|SSPL|Business|Proprietary", words or "")] == []


def _licences(name: str) -> str | None:
    """What the package says of its licence; None where it is for another Python or system."""
    try:
        facts = metadata(name)
    except PackageNotFoundError:
        return None
    named = [str(facts[key]) for key in ("License-Expression", "License") if key in facts]
    kinds = [str(kind) for kind in facts.get_all("Classifier") or [] if str(kind).startswith("License")]
    return " ".join((*named, *kinds))


def _foreign_packages() -> set[str]:
    """The top-level packages that logstream imports, without its own and the standard library's."""
    names: set[str] = set()
    for path in (ROOT / "logstream").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                names.update(alias.name for alias in node.names)
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                names.add(node.module)
    return {name.partition(".")[0] for name in names} - set(sys.stdlib_module_names) - {"logstream"}
