from __future__ import annotations

import zlib

from hypothesis import given
from hypothesis import strategies as st

from logstream.api.frames import WireEncoder
from logstream.hub.judged_block import JudgedBlock, SourceTraits, position_after
from logstream.journal.base import Block
from logstream.journal.ids import decode_id
from logstream.parse import Folding
from logstream.records import Generation, Level, Position
from logstream.rules import Rule, RuleSet, parse_level_condition

GENERATION = Generation("aaaaaaaa", "app", "/var/log/app.log")
NO_RULES = RuleSet([])


def judge(
    content: bytes, before: bytes = b"", traits: SourceTraits | None = None, rules: RuleSet = NO_RULES
) -> JudgedBlock:
    block = Block(GENERATION, len(before), 1_000, 0, before[-64:], content)
    return JudgedBlock(block, traits or SourceTraits(), rules, WireEncoder())


def texts(judged: JudgedBlock) -> list[str]:
    return [judged.record(index).text for index in judged.kept]


@given(st.lists(st.binary(max_size=40).map(lambda line: line.replace(b"\n", b"")), min_size=1), st.binary(max_size=100))
def test_each_record_has_its_text_and_an_id_that_its_bytes_prove(lines: list[bytes], before: bytes) -> None:
    before = before + b"\n"
    raw = b"".join(line + b"\n" for line in lines)
    judged = judge(raw, before)

    end = len(before)
    for index, line in enumerate(lines):
        end += len(line) + 1
        record = judged.record(index)
        assert record.text == line.removesuffix(b"\r").decode("utf-8", "replace")
        assert record.id is not None
        assert decode_id(record.id) == Position("aaaaaaaa", end, zlib.crc32((before + raw)[:end][-64:]))
        assert judged.place_before(index) == 1_000 + end - len(before) - len(line) - 1
    assert position_after(judged.block) == Position("aaaaaaaa", end, zlib.crc32((before + raw)[:end][-64:]))
    assert position_after(judged.block._replace(is_durable=False)) is None


def test_a_byte_order_mark_is_dropped_at_the_files_start_only() -> None:
    bom = b"\xef\xbb\xbf"

    assert texts(judge(bom + b"one\n" + bom + b"two\n")) == ["one", "\ufefftwo"]
    assert texts(judge(bom + b"one\n", before=b"x\n")) == ["\ufeffone"]


def test_fragments_of_a_cut_line_continue_the_record_before_them() -> None:
    traits = SourceTraits(max_line_bytes=256)
    judged = judge(b"a" * 600 + b"\nnext\n", traits=traits)

    assert [(len(judged.record(i).text), judged.record(i).cont) for i in judged.kept] == [
        (256, False),
        (256, True),
        (88, True),
        (4, False),
    ]
    assert judge(b"tail\n", before=b"x" * 256, traits=traits).record(0).cont


def test_a_last_line_without_its_end_is_a_record_too() -> None:
    assert texts(judge(b"one\nhalf")) == ["one", "half"]


def test_bytes_of_another_encoding_become_text() -> None:
    judged = judge("größe\r\nzwei\n".encode("latin-1"), traits=SourceTraits(encoding="latin-1"))

    assert texts(judged) == ["größe", "zwei"]
    assert judged.text == "größe\nzwei".encode()


def test_rules_decide_what_is_kept_and_what_it_is_called() -> None:
    rules = RuleSet(
        [
            Rule(name="noise", match="noise", source=None, level=None, action="drop", event=None, set_level=None),
            Rule(name="bad", match="oops", source=None, level=None, action="tag", event="oops", set_level=Level.ERROR),
        ]
    )
    judged = judge(b"noise\noops\nINFO plain\n", rules=rules)

    assert texts(judged) == ["oops", "INFO plain"]
    assert (judged.event_of(1), judged.level_of(1), judged.record(1).rules) == ("oops", Level.ERROR, ("bad",))
    assert (judged.event_of(2), judged.level_of(2), judged.record(2).rules) == ("line", Level.INFO, ())


def test_a_record_is_encoded_once_for_all_who_ask() -> None:
    judged = judge(b"one\n")

    assert judged.encoded(0) is judged.encoded(0)


def test_lines_that_go_on_with_one_are_put_to_rules_with_its_level_also_where_they_tell_one_themselves() -> None:
    lines = ["ERROR begins", *(f"2026-11-01 10:00:{second} INFO a.b: goes on" for second in range(10, 20))]
    content = "".join(f"{line}\n" for line in lines).encode()
    rules = RuleSet([Rule("bad", level=parse_level_condition("error"))])

    judged = judge(content, traits=SourceTraits(folding=Folding(start="^ERROR")), rules=rules)

    assert set(judged.verdicts.tags) == set(range(11))
