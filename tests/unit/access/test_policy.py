"""Who somebody is by what they send: a proxy's word, a token, a session, in this order; and whether it still holds."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from logstream.access import (
    ANYBODY,
    Asking,
    Policy,
    Proxies,
    Refusal,
    Session,
    User,
    Users,
    Viewer,
    new_token,
    seal_session,
)

KEY = b"k" * 32
ALICE = User("alice", ("web-*",), "$argon2id$alice")
TOKEN, SECRET = new_token("ci", ("app",))
USERS = Users((ALICE, User("carol", ("db",), None)), (TOKEN,), is_asked_for=True)
COOKIE = seal_session(Session("alice", "it", 1_000), ALICE, KEY)
POLICY = Policy(USERS, "X-Forwarded-User", Proxies.of(["10.0.0.1"]), ("app",))


def nothing_ended(_: str) -> bool:
    return False


def identified(policy: Policy = POLICY, **asking: Any) -> Viewer | Refusal:  # noqa: ANN401 - fields of Asking
    return policy.identify(Asking(**asking), KEY, 0.0, nothing_ended)


def who(policy: Policy = POLICY, **asking: Any) -> tuple[str, str | None, tuple[str, ...]] | None:  # noqa: ANN401 - fields of Asking
    found = identified(policy, **asking)
    return None if isinstance(found, Refusal) else (found.way, found.name, found.sources)


def test_nobody_is_asked_where_nothing_is_configured() -> None:
    assert identified(Policy(), authorization="Bearer nonsense", cookie="nonsense") == ANYBODY
    assert not Policy().asks
    assert Policy(Users(is_asked_for=True)).asks
    assert Policy(header="X").asks


def test_each_way_in_gives_its_own_sources() -> None:
    assert who(cookie=COOKIE) == ("session", "alice", ("web-*",))
    assert who(authorization=f"Bearer {SECRET}") == ("token", "ci", ("app",))
    assert who(authorization=f"bearer   {SECRET} ") == ("token", "ci", ("app",))
    assert who(peer="10.0.0.1", named=["dave"]) == ("proxy", "dave", ("app",))
    assert who(peer="10.0.0.1", named=["carol"]) == ("proxy", "carol", ("db",))
    assert who(peer="10.0.0.1", named=["auth0|5f 7c"]) == ("proxy", "auth0|5f 7c", ("app",))
    assert who(peer="10.0.0.1", named=[" "], cookie=COOKIE) == ("session", "alice", ("web-*",))


def test_whoever_sends_nothing_or_something_wrong_is_nobody() -> None:
    wrong: list[dict[str, Any]] = [
        {},
        {"cookie": COOKIE + "x"},
        {"authorization": "Bearer wrong"},
        {"authorization": "Basic YWxpY2U6c2VjcmV0"},
        {"authorization": SECRET},
        {"authorization": f"Bearer {TOKEN.digest}"},
        {"peer": "10.0.0.1"},
        {"peer": "10.0.0.1", "named": [""]},
        {"peer": "10.0.0.1", "named": ["a\x9b2J"]},
        {"peer": "10.0.0.1", "named": ["x" * 129]},
        {"peer": "10.0.0.1", "named": ["alice", ""]},
    ]
    for one in wrong:
        assert isinstance(identified(**one), Refusal), one


def test_a_wrong_token_is_not_made_good_by_a_session() -> None:
    assert who(authorization="Bearer wrong", cookie=COOKIE) is None


@pytest.mark.parametrize("peer", ["10.0.0.2", "127.0.0.1", "<local>", None])
def test_a_name_from_a_peer_that_is_not_listed_counts_for_nothing(peer: str | None) -> None:
    assert who(peer=peer, named=["alice"]) is None
    assert who(peer=peer, named=["carol"], cookie=COOKIE) == ("session", "alice", ("web-*",))


def test_a_name_that_was_added_to_the_proxys_is_refused() -> None:
    found = identified(peer="10.0.0.1", named=["alice", "dave"], cookie=COOKIE)
    assert isinstance(found, Refusal)
    assert "overwrite" in found.reason


def test_without_a_trusted_header_no_name_counts_from_anybody() -> None:
    assert who(replace(POLICY, header=None), peer="10.0.0.1", named=["alice"]) is None


def test_a_session_that_was_ended_is_over() -> None:
    found = POLICY.identify(Asking(cookie=COOKIE), KEY, 0.0, lambda key: key == "it")
    assert isinstance(found, Refusal)


def viewer(**asking: Any) -> Viewer:  # noqa: ANN401 - fields of Asking
    found = identified(**asking)
    assert isinstance(found, Viewer)
    return found


BY_SESSION, BY_TOKEN = viewer(cookie=COOKIE), viewer(authorization=f"Bearer {SECRET}")
BY_PROXY, BY_LISTED = viewer(peer="10.0.0.1", named=["dave"]), viewer(peer="10.0.0.1", named=["carol"])


@pytest.mark.parametrize("who_asks", [BY_SESSION, BY_TOKEN, BY_PROXY, BY_LISTED])
def test_what_has_not_changed_still_holds(who_asks: Viewer) -> None:
    assert POLICY.still(who_asks, 0.0, nothing_ended)
    assert POLICY.still(who_asks, 999.0, nothing_ended)


@pytest.mark.parametrize(
    ("who_asks", "users"),
    [
        (BY_SESSION, USERS.without_user("alice")),
        (BY_SESSION, USERS.with_password("alice", "$argon2id$other")),
        (BY_SESSION, replace(USERS, users=(replace(ALICE, sources=("db",)),))),
        (BY_TOKEN, USERS.without_token("ci")),
        (BY_TOKEN, USERS.without_token("ci").with_token(new_token("ci", ("app",))[0])),
        (BY_LISTED, USERS.without_user("carol")),
    ],
)
def test_what_has_changed_holds_no_more(who_asks: Viewer, users: Users) -> None:
    assert not replace(POLICY, users=users).still(who_asks, 0.0, nothing_ended)


def test_time_and_a_log_out_end_a_session_and_a_policy_ends_anybody() -> None:
    assert not POLICY.still(BY_SESSION, 1_000.0, nothing_ended)
    assert not POLICY.still(BY_SESSION, 0.0, lambda key: key == "it")
    assert not POLICY.still(ANYBODY, 0.0, nothing_ended)
    assert Policy().still(ANYBODY, 0.0, nothing_ended)
    assert not replace(POLICY, header=None).still(BY_PROXY, 0.0, nothing_ended)


@pytest.mark.parametrize("who_asks", [BY_SESSION, BY_TOKEN])
def test_nothing_secret_is_shown_of_who_asks(who_asks: Viewer) -> None:
    assert "argon2" not in repr(who_asks)
    assert TOKEN.digest not in repr(who_asks)
