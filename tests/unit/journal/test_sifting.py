from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from logstream.journal import sifting
from logstream.journal.sifting import Seen, Stretch, lines_at


@given(st.lists(st.binary(max_size=6).map(lambda line: line.replace(b"\n", b"x") + b"\n"), min_size=1), st.data())
def test_the_lines_that_have_a_stop_are_cut_out_whether_they_are_many_or_few(
    lines: list[bytes], data: st.DataObject
) -> None:
    content = b"".join(lines)
    stops = sorted(data.draw(st.sets(st.integers(0, len(content) - 1), min_size=1)))
    beyond, most = data.draw(st.sampled_from([b"", b"beyond\nit"])), data.draw(st.integers(1, 20))
    seen = Seen(Stretch(100, b"\n", content + beyond, len(content)), stops)

    found = lines_at(seen, most)

    ends = [sum(map(len, lines[: number + 1])) for number in range(len(lines))]
    starts = [0, *ends[:-1]]
    wanted = [
        (start, end) for start, end in zip(starts, ends, strict=True) if any(start <= stop < end for stop in stops)
    ]
    assert list(zip(found.starts, found.ends, strict=True)) == wanted[:most]
    assert found.joined == b"".join(content[start:end] for start, end in wanted[:most])
    at_ends = [end - 1 for _, end in wanted]
    assert lines_at(Seen(seen.stretch, at_ends, are_ends=True), most) == found
    few, many = sifting._sparse_lines(seen, most), sifting._dense_lines(seen, most)
    assert few == many == (found.starts, found.ends)
