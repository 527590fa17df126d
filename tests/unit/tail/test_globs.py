from __future__ import annotations

import pytest

from logstream.tail.globs import is_matched


@pytest.mark.parametrize(
    ("pattern", "path", "expected"),
    [
        ("/var/log/app.log", "/var/log/app.log", True),
        ("/var/log/app.log", "/var/log/app_log", False),
        ("/var/log/*.log", "/var/log/a.log", True),
        ("/var/log/*.log", "/var/log/.hidden.log", False),
        ("/var/log/.*.log", "/var/log/.hidden.log", True),
        ("/var/log/*.log", "/var/log/sub/a.log", False),
        ("/var/log/*/a.log", "/var/log/sub/a.log", True),
        ("/var/log/*/a.log", "/var/log/.git/a.log", False),
        ("/var/log/?.log", "/var/log/a.log", True),
        ("/var/log/?.log", "/var/log/ab.log", False),
        ("/var/log/[a-c].log", "/var/log/b.log", True),
        ("/var/log/[!a-c].log", "/var/log/b.log", False),
        ("/var/log/[!a-c].log", "/var/log/d.log", True),
        ("/var/log/[.*].log", "/var/log/*.log", True),
        ("/var/log/[[].log", "/var/log/[.log", True),
        ("/var/log/[]].log", "/var/log/].log", True),
        ("/var/log/[^a].log", "/var/log/^.log", True),
        ("/var/log/a[.log", "/var/log/a[.log", True),
        ("/var/log/[\\].log", "/var/log/\\.log", True),
        ("/var/**/*.log", "/var/a.log", True),
        ("/var/**/*.log", "/var/log/deep/a.log", True),
        ("/var/**/*.log", "/var/.cache/a.log", False),
        ("/var/**", "/var/log/deep/a.txt", True),
        ("/var/**/x/*.log", "/var/x/a.log", True),
        ("/*", "/a", True),
        ("/var/log/*", "/var/log/a\nb", True),
        ("/var/log/*", "/var/log/caf\udce9", True),
        ("/var//log/./a*", "/var/log/abc", True),
    ],
)
def test_a_wildcard_stays_within_a_name_but_for_two_asterisks(pattern: str, path: str, *, expected: bool) -> None:
    assert is_matched(path, [pattern]) is expected


@pytest.mark.parametrize(
    ("exclude", "path", "expected"),
    [
        ("*.gz", "/var/log/a.gz", False),
        ("*.gz", "/var/log/.a.gz", False),
        ("*.gz", "/var/x.gz/a.log", True),
        ("/var/log/private", "/var/log/private/deep/a.log", False),
        ("/var/log/private/**", "/var/log/private/deep/a.log", False),
        ("/var/log/private/*", "/var/log/private/a.log", False),
        ("/var/log/private/*", "/var/log/private.log", True),
        ("/var/**/debug*", "/var/log/deep/debug.log", False),
        ("/var/log/journal", "/var/log/journal.log", True),
    ],
)
def test_what_an_exclusion_means(exclude: str, path: str, *, expected: bool) -> None:
    assert is_matched(path, ["/var/**"] if "/." not in path else ["/var/log/.*"], [exclude]) is expected
