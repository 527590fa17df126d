"""The conformance list is whole: each statement has a test or a reason, and the document says what the tests say."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from tests import conformance
from tests.conformance import ANSWERED_OTHERWISE, STATEMENTS, numbers_in, table

TESTS = Path(__file__).parent
DOCUMENT = TESTS.parent / "docs" / "conformance.md"
ROW = re.compile(r"^\| ([A-I]\d+) \| (.+?) \| (.+?) \| (.*?) ?\|$", re.MULTILINE)
COUNTS = {"A": 16, "B": 17, "C": 13, "D": 15, "E": 18, "F": 13, "G": 10, "H": 13, "I": 13}


def docstrings() -> list[tuple[str, str, str]]:
    """File, name and docstring of each test."""
    return [
        (f"tests/{path.relative_to(TESTS)}", node.name, ast.get_docstring(node) or "")
        for path in sorted(TESTS.rglob("test_*.py"))
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test_")
    ]


CARRIERS = [(file, name, numbers_in(docstring)) for file, name, docstring in docstrings() if numbers_in(docstring)]


def test_the_list_has_its_128_statements_in_order() -> None:
    numbers = [f"{group}{number}" for group, count in COUNTS.items() for number in range(1, count + 1)]
    assert list(STATEMENTS) == numbers
    assert len(numbers) == 128


def test_each_statement_has_a_test() -> None:
    carried = {number for _, _, numbers in CARRIERS for number in numbers}
    assert [number for number in STATEMENTS if number not in carried] == [], "what is decided otherwise is tested too"
    assert ANSWERED_OTHERWISE.keys() <= STATEMENTS.keys()


def test_no_test_carries_an_unknown_statement_or_names_one_in_another_form() -> None:
    for file, name, docstring in docstrings():
        numbers = numbers_in(docstring)
        assert set(numbers) <= STATEMENTS.keys(), (file, name)
        assert list(numbers) == sorted(set(numbers), key=list(STATEMENTS).index), (file, name)
        assert bool(numbers) == ("conformance:" in docstring.lower()), (file, name)


def test_the_document_has_the_same_statements_in_the_same_order_with_their_tests() -> None:
    rows = ROW.findall(DOCUMENT.read_text())
    assert [(number, claim) for number, claim, _, _ in rows] == list(STATEMENTS.items())
    for number, _, result, tests in rows:
        told = {(file, name) for name, file in re.findall(r"\[(\w+)\]\(\.\./([^)]+)\)", tests)}
        assert told == {(file, name) for file, name, numbers in CARRIERS if number in numbers}, "run make conformance"
        reason = ANSWERED_OTHERWISE.get(number, "")
        assert result in {"holds", "fails"} or result.partition(": ")[2] == reason, "run make conformance"


@pytest.mark.parametrize(
    ("docstring", "numbers"),
    [
        ("Conformance: A1.", ("A1",)),
        ("A claim of its own. Conformance: A1, B12.", ("A1", "B12")),
        ("Several lines.\n\nConformance: I13.\n", ("I13",)),
        ("Conformance: A1", ()),
        ("Conformance: A1. And more.", ()),
        ("Nonconformance: A1.", ()),
        (None, ()),
    ],
)
def test_a_docstring_ends_with_what_it_carries(docstring: str | None, numbers: tuple[str, ...]) -> None:
    assert numbers_in(docstring) == numbers


def test_a_statement_holds_where_all_its_tests_pass(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(conformance, "ANSWERED_OTHERWISE", {"B3": "never"})
    carriers: dict[str, list[tuple[str, str]]] = {number: [("t.py", "test_good")] for number in STATEMENTS}
    carriers |= {"A2": [("t.py", "test_good"), ("t.py", "test_bad")], "A3": [], "B3": [("t.py", "test_bad")]}
    told = {number: result for number, _, result, _ in ROW.findall(table(carriers, {("t.py", "test_bad")}))}
    wanted = {"A1": "holds", "A2": "fails", "A3": "without a test", "B3": "fails"}
    assert {number: told[number] for number in wanted} == wanted
    told = {number: result for number, _, result, _ in ROW.findall(table(carriers, set()))}
    assert told["B3"] == "answered otherwise: never"
