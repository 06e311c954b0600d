"""Small gates: where a log-in leads, whose form it is, what a notice says."""

import pytest

from web.csrf import is_own_site, is_token
from web.notices import Act, read_notice, write_notice
from web.security import local_path
from web.sessions import cookie_name, hash_token, make_token


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (None, "/"),
        ("", "/"),
        ("/", "/"),
        ("/messages/01KJ?recipient=1", "/messages/01KJ?recipient=1"),
        ("//evil.example", "/"),
        ("/\\evil.example", "/"),
        ("/a\\b", "/"),
        ("https://evil.example", "/"),
        ("javascript:alert(1)", "/"),
        ("/\tevil", "/"),
        ("/a\r\nSet-Cookie: x", "/"),
        ("/" + "a" * 3000, "/"),
        (" /", "/"),
    ],
)
def test_local_path(text: str | None, expected: str) -> None:
    assert local_path(text) == expected


@pytest.mark.parametrize(
    ("headers", "own"),
    [
        ({"Sec-Fetch-Site": "same-origin"}, True),
        ({"Sec-Fetch-Site": "none"}, True),
        ({"Sec-Fetch-Site": "cross-site", "Origin": "https://a.test", "Host": "a.test"}, False),
        ({"Sec-Fetch-Site": "same-site"}, False),
        ({"Origin": "https://a.example", "Host": "a.example"}, True),
        ({"Origin": "https://a.example:8443", "Host": "a.example:8443"}, True),
        ({"Origin": "https://a.example:8443", "Host": "a.example"}, False),
        ({"Origin": "https://a.example.evil.example", "Host": "a.example"}, False),
        ({"Origin": "https://a.example"}, False),
        ({"Origin": "http://[", "Host": "a.example"}, False),
        ({"Origin": "null", "Host": "a.example"}, True),
        ({}, True),
    ],
)  # fmt: skip
def test_is_own_site(headers: dict[str, str], own: bool) -> None:
    assert is_own_site(headers) is own


@pytest.mark.parametrize(
    ("sent", "expected", "same"),
    [
        ("abc", "abc", True),
        ("abd", "abc", False),
        ("", "", False),
        (None, "abc", False),
        (b"abc", "abc", False),
        ("\ud800", "abc", False),
    ],
)
def test_is_token(sent: object, expected: str, same: bool) -> None:
    assert is_token(sent, expected) is same


@pytest.mark.parametrize(
    ("cookie", "told"),
    [
        (write_notice(Act.RETRY, 1), "1 recipient will be tried now."),
        (
            write_notice(Act.CANCEL, 2, 1, 3),
            "2 recipients cancelled. 1 being tried right now, which cannot be stopped. "
            "3 already finished.",
        ),
        (write_notice(Act.RELEASE, 0), "0 recipients released and due now."),
        (write_notice(Act.LOGGED_OUT), "You are logged out."),
        (None, None),
        ("", None),
        ("retry", None),
        ("retry.1.2", None),
        ("retry.1.2.x", None),
        ("retry.-1.2.3", None),
        ("retry.²", None),
        ("explode.1.2.3", None),
        ("retry.99999999999999999999.0.0", "999,999 recipients will be tried now."),
    ],
)
def test_a_notice_says_only_what_we_wrote(cookie: str | None, told: str | None) -> None:
    notice = read_notice(cookie)
    assert (notice and notice.words) == told


@pytest.mark.parametrize(
    ("cookie", "is_idle"),
    [
        ("retry.2.0.0", False),
        ("retry.0.1.0", True),
        ("pointless.0.0.0", True),
        ("search-saved.0.0.0", False),
    ],
)
def test_what_came_to_nothing_does_not_look_like_success(cookie: str, is_idle: bool) -> None:
    notice = read_notice(cookie)
    assert notice is not None
    assert notice.is_idle is is_idle


def test_every_act_has_its_words() -> None:
    for act in Act:
        assert read_notice(write_notice(act))


def test_tokens_are_kept_as_hashes() -> None:
    token = make_token(lambda size: bytes(range(size)))
    assert len(token) == 43
    assert token not in hash_token(token)
    assert hash_token(token) != hash_token(token + "a")


@pytest.mark.parametrize(("secure", "name"), [(True, "__Host-x"), (False, "x")])
def test_the_prefix_needs_tls(secure: bool, name: str) -> None:
    assert cookie_name("x", secure=secure) == name
