from __future__ import annotations

import gc
import weakref

from logstream.rules import compile_query, parse_query


def test_one_query_is_compiled_once_for_all_who_hold_it() -> None:
    one = compile_query(parse_query("order level:>=warn"))
    assert compile_query(parse_query("  ORDER   level:>=warn")) is one
    assert compile_query(parse_query("order level:>=error")) is not one


def test_values_that_python_takes_for_equal_are_different_queries() -> None:
    held = [compile_query(parse_query(text)) for text in ("a:1", "a:true", "a:1.0", "/A/", "/A/i", "a")]
    assert len(set(map(id, held))) == len(held)


def test_a_query_that_nobody_holds_is_forgotten() -> None:
    gone = weakref.ref(compile_query(parse_query("nobody-else-asks-for-this")))
    gc.collect()
    assert gone() is None
