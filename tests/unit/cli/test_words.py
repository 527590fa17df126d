"""What all commands say and ask for in one way."""

from __future__ import annotations

import pytest

from logstream.cli.words import is_url


@pytest.mark.parametrize(
    ("text", "is_one"),
    [
        ("http://a", True),
        ("https://a:1/logs/", True),
        ("/var/log/x", False),
        ("a.log", False),
        ("ftp://a", False),
        ("http://[::1", True),
    ],
)
def test_an_address_is_told_from_a_file(text: str, is_one: bool) -> None:  # noqa: FBT001 - a parameter of the test
    assert is_url(text) is is_one
