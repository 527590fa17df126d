"""Holds the code to its architecture: which way imports point, who owns tasks, how long things are, how they are named.

Each rule is a function from a module's path and text to complaints, and has a sample that it must complain about.
"""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING

import pytest

from tests.installed import ROOT

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    Rule = Callable[[str, str], Iterator[str]]

# Who imports whom. What is reachable along the arrows may be imported; records and errors by everybody.
ARROWS = {
    "__main__": {"cli", "interruption"},
    "cli": {
        "access",
        "server",
        "workers",
        "client",
        "local",
        "trial",
        "demo",
        "prove",
        "installing",
        "doctor",
        "interruption",
    },
    "demo": {"server"},
    "garbage": set(),
    "installing": set(),
    "doctor": {"config", "tail"},
    "prove": {"client"},
    "client": {"following"},
    "local": {"following", "parts", "api"},
    "trial": {"parts", "api"},
    "following": set(),
    "workers": {"server"},
    "server": {"garbage", "process", "reloading", "listening", "status"},
    "process": {"api", "parts"},
    "reloading": {"api", "parts", "supervision"},
    "listening": {"serving", "config", "supervision", "openness"},
    "status": {"api", "config", "metrics", "stalls"},
    "parts": {"access", "config", "hub"},
    "api": {"access", "hub", "sse", "metrics", "turns"},
    "hub": {"journal", "rules", "parse"},
    "journal": {"tail", "syncing"},
    "tail": set(),
    "config": {"access", "rules", "parse", "openness"},
    "access": {"syncing"},
    "rules": set(),
    "parse": set(),
    "sse": {"turns"},
    "serving": {"turns"},
    "metrics": set(),
    "stalls": set(),
    "turns": set(),
    "interruption": set(),
    "supervision": set(),
    "openness": set(),
    "syncing": set(),
    "records": {"errors"},
    "errors": set(),
}

# The modules that start tasks, and what ends them.
TASK_OWNERS = {
    "logstream/server.py": "the root task group: the service's own tasks, ended before it has stopped",
    "logstream/serving/server.py": "one task a connection, in a table that drain() empties; the app's lifespan",
    "logstream/serving/connection.py": "the group in which the HTTP server runs the requests of one connection",
    "logstream/serving/acceptor.py": "one task for each connection that is being accepted, in a set, over at once",
    "logstream/workers/channel.py": "the group of one connection's answers, ended with the connection",
    "logstream/workers/ingester.py": "the connections to those who serve, and the pulse; ended before it has stopped",
    "logstream/workers/worker.py": "the root task group of a process that serves",
    "logstream/local.py": "the tail of the files that one command follows, ended with the command",
    "logstream/tail/supervisor.py": "the group of the tail: reading, surveying, watching; ended before run() returns",
    "logstream/sse/opening.py": "one task a feed that is being opened, ended with the context of its opening",
    "logstream/sse/sources.py": "the step of an event source that is under way, which a deadline must not cancel",
}

MAX_FILE_LINES = 299
MAX_FUNCTION_LINES = 39
VAGUE_WORDS = {"manager", "helper", "helpers", "util", "utils", "data", "info", "handler", "handlers"}
STARTS_TASKS = {"create_task", "ensure_future", "TaskGroup", "run_coroutine_threadsafe", "add_background_task"}


def imports_against_the_arrows(path: str, text: str) -> Iterator[str]:
    here = _layer(path)
    if here != "__init__" and here not in ARROWS:
        yield f"{here} has no place in the architecture"
    allowed = reachable(here) | {"records", "errors", here} if here not in {"records", "errors"} else ARROWS[here]
    for line, target in _own_imports(path, text):
        if target not in allowed:
            yield f"line {line}: {here} must not import {target}"


def files_too_long(path: str, text: str) -> Iterator[str]:
    lines = text.count("\n")
    if lines > MAX_FILE_LINES:
        yield f"{lines} lines, at most {MAX_FILE_LINES} are allowed in {path}"


def functions_too_long(_path: str, text: str) -> Iterator[str]:
    """Counts the lines of the body without docstring, blank lines and comments."""
    lines = text.splitlines()
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            body = node.body[1:] if ast.get_docstring(node) is not None else node.body
            code = [line for line in lines[body[0].lineno - 1 : node.end_lineno] if _is_code(line)] if body else []
            if len(code) > MAX_FUNCTION_LINES:
                yield f"line {node.lineno}: {node.name} has {len(code)} lines, at most {MAX_FUNCTION_LINES} are allowed"


def tasks_without_an_owner(path: str, text: str) -> Iterator[str]:
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Call) and (called := _last_name(node.func)) in STARTS_TASKS:
            if path not in TASK_OWNERS:
                yield f"line {node.lineno}: {called}, but this module is not among the owners of tasks"
            if called == "create_task" and not any(keyword.arg == "name" for keyword in node.keywords):
                yield f"line {node.lineno}: a task without a name"


def vague_names(path: str, text: str) -> Iterator[str]:
    modules = path.removesuffix(".py").split("/")
    classes = [node.name for node in ast.walk(ast.parse(text)) if isinstance(node, ast.ClassDef)]
    for name in modules + classes:
        words = {word.lower() for word in re.findall(r"[A-Z]?[a-z0-9]+|[A-Z]+", name)}
        for word in sorted(words & VAGUE_WORDS):
            yield f"the name {name} says no more than {word!r}"


def modules_without_a_purpose(_path: str, text: str) -> Iterator[str]:
    """What a module owns, and what it refuses to own, stands at its head; also for a package."""
    if ast.get_docstring(ast.parse(text)) is None:
        yield "a module without a docstring"


RULES = [
    imports_against_the_arrows,
    files_too_long,
    functions_too_long,
    tasks_without_an_owner,
    vague_names,
    modules_without_a_purpose,
]
MODULES = {
    path.relative_to(ROOT).as_posix(): path.read_text(encoding="utf-8") for path in (ROOT / "logstream").rglob("*.py")
}


@pytest.mark.parametrize("rule", RULES)
def test_no_module_breaks_the_rule(rule: Rule) -> None:
    complaints = [f"{path}: {complaint}" for path, text in sorted(MODULES.items()) for complaint in rule(path, text)]
    assert not complaints, "\n".join(complaints)


READER = "logstream/tail/reader.py"
LONG_FUNCTION = 'def long():\n    """Says nothing."""\n' + "    pass\n" * (MAX_FUNCTION_LINES + 1)
TASK_GROUP = "async def f():\n    async with TaskGroup(): pass"
SAMPLES: list[tuple[Rule, str, str, str]] = [
    (imports_against_the_arrows, READER, "import logstream.hub", "tail must not import hub"),
    (imports_against_the_arrows, READER, "from logstream.api import app", "tail must not import api"),
    (imports_against_the_arrows, READER, "from logstream import server", "tail must not import server"),
    (imports_against_the_arrows, READER, "from ..journal import base", "tail must not import journal"),
    (imports_against_the_arrows, READER, "from .. import sse", "tail must not import sse"),
    (imports_against_the_arrows, READER, "def late():\n    import logstream.sse", "tail must not import sse"),
    (imports_against_the_arrows, "logstream/hub/view.py", "import logstream.sse", "hub must not import sse"),
    (imports_against_the_arrows, "logstream/rules/query.py", "import logstream.parse", "rules must not import parse"),
    (imports_against_the_arrows, "logstream/errors.py", "import logstream.records", "errors must not import records"),
    (imports_against_the_arrows, "logstream/attic.py", "", "attic has no place"),
    (files_too_long, READER, "pass\n" * (MAX_FILE_LINES + 1), "300 lines"),
    (functions_too_long, READER, LONG_FUNCTION, "long has 40 lines"),
    (functions_too_long, READER, "async " + LONG_FUNCTION, "long has 40 lines"),
    (tasks_without_an_owner, READER, "loop.create_task(f(), name='f')", "not among the owners"),
    (tasks_without_an_owner, READER, TASK_GROUP, "not among the owners"),
    (tasks_without_an_owner, "logstream/server.py", "create_task(f())", "without a name"),
    (vague_names, "logstream/hub/view_manager.py", "", "view_manager"),
    (vague_names, "logstream/utils/text.py", "", "utils"),
    (vague_names, READER, "class ReadHelper: pass", "ReadHelper"),
    (modules_without_a_purpose, "logstream/tail/__init__.py", "", "without a docstring"),
]


@pytest.mark.parametrize(("rule", "path", "text", "complaint"), SAMPLES)
def test_each_rule_sees_what_it_forbids(rule: Rule, path: str, text: str, complaint: str) -> None:
    assert complaint in "\n".join(rule(path, text))


def test_what_is_allowed_passes_every_rule() -> None:
    text = '"""Says what it owns."""\n\n'
    text += "from logstream import __version__\nfrom logstream.hub import Hub\nfrom logstream.records import Level\n"
    text += LONG_FUNCTION.removesuffix("    pass\n") + "\n    # a comment is not code\n\n"
    assert [complaint for rule in RULES for complaint in rule("logstream/api/stream.py", text)] == []


def test_each_task_owner_exists_and_starts_tasks() -> None:
    for path, reason in TASK_OWNERS.items():
        text = MODULES.get(path, "")
        assert any(name in text for name in STARTS_TASKS), f"{path} is gone or starts no task any more: {reason}"


def _layer(path: str) -> str:
    """`tail` for logstream/tail/reader.py, `cli` for logstream/cli.py."""
    return path.removesuffix(".py").split("/")[1]


def reachable(layer: str) -> set[str]:
    direct = ARROWS.get(layer, set())
    return direct.union(*map(reachable, direct))


def _own_imports(path: str, text: str) -> Iterator[tuple[int, str]]:
    """Line and layer of each import of logstream's own, also inside functions and under TYPE_CHECKING."""
    package = path.removesuffix(".py").split("/")[:-1]
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else []
            module = [*base, *(node.module.split(".") if node.module else [])]
            names = [".".join([*module, alias.name]) for alias in node.names]
        else:
            continue
        for parts in (name.split(".") for name in names):
            if parts[0] == "logstream" and parts[1:2] != ["__version__"]:
                yield node.lineno, parts[1] if len(parts) > 1 else "__init__"


def _is_code(line: str) -> bool:
    return bool(line.strip()) and not line.lstrip().startswith("#")


def _last_name(node: ast.expr) -> str:
    """`create_task` for asyncio.create_task and for create_task."""
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""
