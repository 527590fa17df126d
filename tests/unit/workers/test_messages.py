from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

from logstream.config import load
from logstream.workers.messages import Answer, Ask, Fresh, Unpacker, pack

if TYPE_CHECKING:
    from pathlib import Path


def test_values_come_out_as_they_went_in_however_they_are_cut() -> None:
    values = [Ask(1, "sources"), Answer(1, {"a": b"\0" * 300}), None, Answer(2, MappingProxyType({"team": "a"}))]
    sent = b"".join(map(pack, values))
    for size in (1, 7, 8, 9, 100, len(sent)):
        unpacker = Unpacker()
        pieces = [sent[at : at + size] for at in range(0, len(sent), size)]
        assert [value for piece in pieces for value in unpacker.feed(piece)] == values


def test_a_whole_configuration_can_be_told(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    path.write_text(
        '[[source]]\nname = "a"\npaths = ["*.log"]\nlabels = {team = "x"}\n[[rule]]\nname = "r"\nmatch = "x"\n'
    )
    settings = load(path, {})

    (told,) = Unpacker().feed(pack(Fresh(settings)))

    assert told == Fresh(settings)
