"""Holds what documents and help texts name to what there is: files, headings, commands, options, settings, addresses.

What a page's examples do is held beside what they speak of; here each name has to lead somewhere.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING
from urllib.parse import unquote

import click
import pytest

from logstream.api.frames import WireEncoder, encode_bye, encode_hello, encode_ping, gap_facts
from logstream.api.models import Record as RecordModel
from logstream.cli import cli
from logstream.config.overrides import PATH_VARIABLE, PREFIX, TOKEN_VARIABLES
from logstream.config.sections import OVERRIDABLE, SECTIONS
from logstream.records import Gap, GapReason
from logstream.tail.batch import Notice
from tests.installed import ROOT, run
from tests.test_architecture import ARROWS, reachable

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

DOCS = ROOT / "docs"
PAGES = {path.relative_to(ROOT).as_posix(): path for path in [*ROOT.glob("*.md"), *DOCS.rglob("*.md")]}
SHIPPED = [
    ROOT / name for name in ("config.toml", "Dockerfile", "compose.yaml", "Makefile", "systemd/logstream.service")
] + [path for path in (ROOT / "deploy").rglob("*") if path.is_file()]
FENCE = re.compile(r"^```(\w*)\n(.*?)^```", re.MULTILINE | re.DOTALL)
FOLDERS = (ROOT, ROOT / "logstream", DOCS)
NO_COMMANDS = {"js", "python", "toml", "ini", "text"}
COMMAND = re.compile(r"(?<![\w./:-])logstream ([a-z][^|;&#`)]*)")
SETTING = re.compile(r"\[\[?(\w+)\]\]? ([a-z_]+)\b")

every_page = pytest.mark.parametrize("page", sorted(PAGES))


def test_all_pages_are_there() -> None:
    assert {"README.md", "CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md", "docs/README.md"} <= PAGES.keys()


@every_page
def test_each_link_leads_to_a_file_and_a_heading_of_it(page: str) -> None:
    path = PAGES[page]
    broken = [link for link in links(path.read_text(encoding="utf-8")) if not leads_somewhere(path, link)]
    assert broken == []


def links(text: str) -> Iterator[str]:
    """Where links and pictures of a page lead, but for those into the wide world."""
    prose = re.sub(r"`[^`\n]*`", "", FENCE.sub("", text))
    for link in re.findall(r"\]\(([^)\s]+)\)", prose):
        if "://" not in link and not link.startswith("mailto:"):
            yield link


def leads_somewhere(page: Path, link: str) -> bool:
    name, _, heading = unquote(link).partition("#")
    target = (page.parent / name).resolve() if name else page
    if not target.exists() or not target.is_relative_to(ROOT):
        return False
    return not heading or heading in headings(target.read_text(encoding="utf-8"))


def headings(text: str) -> set[str]:
    """The headings of a page as a link names them: lower case, hyphens for blanks, no other marks."""
    found = re.findall(r"^#+ (.*)$", FENCE.sub("", text), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in found}


def test_a_link_that_leads_nowhere_is_found(tmp_path: Path) -> None:
    page = ROOT / "README.md"
    assert list(links("[a](b.md) ![c](d.png) `[e](f)` [g](https://h.org)\n```sh\n[i](j)\n```\n")) == ["b.md", "d.png"]
    assert leads_somewhere(page, "docs/deploy.md#containers")
    assert not leads_somewhere(page, "docs/deploy.md#no-such-heading")
    assert not leads_somewhere(page, "docs/nothing.md")
    assert not leads_somewhere(page, str(tmp_path))


def test_the_index_of_the_documents_has_each_page_and_the_readme_leads_to_it() -> None:
    told = set(links((DOCS / "README.md").read_text(encoding="utf-8")))
    pages = {path.relative_to(DOCS).as_posix() for path in DOCS.glob("*.md")} - {"README.md"}
    assert pages <= told, pages - told
    assert "docs/README.md" in links((ROOT / "README.md").read_text(encoding="utf-8"))


@every_page
def test_each_command_in_a_page_is_one_with_these_options(page: str) -> None:
    complaints = [words for code in code_of(PAGES[page]) for words in commands_in(code) if complaint_about(words)]
    assert complaints == []


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_each_command_in_a_shipped_file_is_one_with_these_options(path: Path) -> None:
    quoted = re.findall(r"`(logstream [^`]+)`", path.read_text(encoding="utf-8"))
    assert [words for code in quoted for words in commands_in(code) if complaint_about(words)] == []


def test_each_command_in_a_help_text_is_one_with_these_options() -> None:
    texts = [command.help or "" for command in all_commands(cli)]
    blocks = [text.partition("Examples:")[2].partition("\n\n")[0] for text in texts]
    examples = [line for block in blocks for line in block.splitlines()]
    quoted = [code for text in texts for code in re.findall(r"`([^`]+)`", text)]
    assert len(examples) > 40
    assert [words for code in [*examples, *quoted] for words in commands_in(code) if complaint_about(words)] == []


@pytest.mark.parametrize("words", ["chekc", "tail --form json", "user add alice --sauce x", "token ad x", "rules try"])
def test_a_command_or_an_option_that_is_none_is_found(words: str) -> None:
    assert complaint_about(next(commands_in(f"sudo logstream {words} && logstream check")))


def code_of(page: Path) -> Iterator[str]:
    """What of a page is code that may be typed: blocks line by line, and what stands between backticks."""
    text = page.read_text(encoding="utf-8")
    for language, block in FENCE.findall(text):
        if language not in NO_COMMANDS:
            yield from block.replace("\\\n", "").splitlines()
    yield from re.findall(r"`([^`\n]+)`", FENCE.sub("", text))


def commands_in(code: str) -> Iterator[str]:
    """The commands of logstream in a line, without their first word and what a pipe or a comment makes of them."""
    for found in COMMAND.findall(code):
        yield re.split(r" {3,}|\s>", found)[0].strip()


def complaint_about(words: str) -> str:
    """Why `words` are no command; an empty string if they are one."""
    command: click.Command = cli
    for word in words.split():
        if isinstance(command, click.Group):
            if word not in command.commands:
                return "" if word.startswith("-") or word.isupper() else f"no command {word}"
            command = command.commands[word]
        elif word.startswith("--"):
            known = {option for parameter in command.params for option in (*parameter.opts, *parameter.secondary_opts)}
            if word.partition("=")[0] not in known | {"--help"}:
                return f"no option {word}"
    return ""


def all_commands(command: click.Command) -> Iterator[click.Command]:
    yield command
    if isinstance(command, click.Group):
        for one in command.commands.values():
            yield from all_commands(one)


@every_page
def test_each_file_of_the_code_that_a_page_names_is_there(page: str) -> None:
    named = re.findall(
        r"`((?:[\w.-]+/)+[\w.-]+\.(?:py|ts|toml|md|yml|lock|conf))`", PAGES[page].read_text(encoding="utf-8")
    )
    assert [name for name in named if not any((folder / name).is_file() for folder in FOLDERS)] == []


@every_page
def test_each_task_of_make_in_a_page_is_one(page: str) -> None:
    offered = set(re.findall(r"^ +make ([a-z-]+)", run("make", "help"), re.MULTILINE))
    named = {word for code in code_of(PAGES[page]) for word in re.findall(r"^make ([a-z-]+)", code)}
    assert named <= offered, named - offered


@pytest.mark.parametrize("path", [*PAGES.values(), *SHIPPED], ids=lambda path: path.relative_to(ROOT).as_posix())
def test_each_environment_variable_and_setting_that_is_named_is_one(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    known = {
        f"{PREFIX}{section}__{key}".upper() for section, model in OVERRIDABLE.items() for key in model.model_fields
    }
    named = set(re.findall(rf"\b{PREFIX}[A-Z_]*[A-Z]\b", text)) - {PATH_VARIABLE, *TOKEN_VARIABLES}
    assert named <= known | {f"{PREFIX}SECTION__KEY"}, named - known
    for code in re.findall(r"`([^`\n]+)`", text):
        for section, key in SETTING.findall(code):
            assert section not in SECTIONS or key in SECTIONS[section].model_fields, code


@every_page
def test_each_address_of_the_service_in_a_page_is_one(page: str) -> None:
    routes = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "logstream" / "api").glob("*.py"))
    named = set(re.findall(r"/api/v1/\w+", PAGES[page].read_text(encoding="utf-8")))
    assert [address for address in sorted(named) if f'"{address}"' not in routes] == []


def test_the_page_of_the_wire_has_each_member_of_each_event_and_each_reason_of_a_gap() -> None:
    page = PAGES["docs/wire.md"].read_text(encoding="utf-8")
    rows = {re.findall(r"`(\w+)`", line)[0]: line for line in table_under("What is sent", page)}
    hello = encode_hello(version="", heartbeat_seconds=1, retry_ms=1, sources=(), resume={})
    told: dict[str, set[str]] = {
        "hello": members(hello),
        "ping": members(encode_ping(0, {}, None)),
        "bye": members(encode_bye("", 1)),
        "gap": set(gap_facts(Gap(None, None, None, None, None, GapReason.DELETED))),
        "rotated": members(WireEncoder().encode_notice(Notice("rotated", "", "", {"to": ""}))),
        "source": members(WireEncoder().encode_notice(Notice("source", "", "", {"state": "", "reason": ""}))),
    }
    for event, names in told.items():
        assert names <= set(re.findall(r"`(\w+)`", rows[event])), event
    record = " ".join(line.split("|")[1] for line in table_under("A record", page))
    assert re.findall(r"`(\w+)`", record) == list(RecordModel.model_fields)
    assert [re.findall(r"`(\w+)`", line)[0] for line in table_under("Gaps", page)] == list(GapReason)


def table_under(heading: str, text: str) -> list[str]:
    """The rows under a heading whose first cell is code."""
    (section,) = re.findall(rf"^## {heading}\n(.*?)^## ", text, re.MULTILINE | re.DOTALL)
    return [line for line in section.splitlines() if line.startswith("| `")]


def members(event: bytes) -> set[str]:
    """The members of an event's data."""
    (data,) = [line for line in event.splitlines() if line.startswith(b"data: ")]
    return set(json.loads(data.removeprefix(b"data: ")))


def test_the_diagram_of_the_readme_is_the_import_graph() -> None:
    (diagram,) = [block for _, block in FENCE.findall((ROOT / "README.md").read_text()) if block.startswith("cli ──>")]
    assert set(re.findall(r"\w+", diagram)) - {"all"} == ARROWS.keys() - {"__main__"}
    drawn = [
        (importer, imported)
        for importer, others in re.findall(r"(\w+) ─+> (?=((?:\w+, )*\w+))", diagram)
        for imported in others.split(", ")
        if importer != "all"
    ]
    assert len(drawn) > 20
    assert [edge for edge in drawn if edge[1] not in reachable(edge[0])] == []
