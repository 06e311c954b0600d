"""The address grammar, as tables."""

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tracker.mailbox import (
    MailboxError,
    SourceRouteError,
    in_letters,
    normalize_domain,
    parse_mailbox,
    parse_path,
)

LONG_LABEL = "a" * 63


@pytest.mark.parametrize(
    ("text", "local_part", "domain"),
    [
        pytest.param("bob@example.org", "bob", "example.org", id="plain"),
        pytest.param("Bob@Example.ORG", "Bob", "example.org", id="domain in lower case"),
        pytest.param("a.b.c@example.org", "a.b.c", "example.org", id="dots"),
        pytest.param("!#$%&'*+/=?^_`{|}~-@x.org", "!#$%&'*+/=?^_`{|}~-", "x.org", id="atext"),
        pytest.param('"a b"@x.org', '"a b"', "x.org", id="quoted space"),
        pytest.param('"a@b"@x.org', '"a@b"', "x.org", id="quoted at"),
        pytest.param('"a>b,c"@x.org', '"a>b,c"', "x.org", id="quoted bracket and comma"),
        pytest.param(r'"a\"@evil.org>"@x.org', r'"a\"@evil.org>"', "x.org", id="quoted pair"),
        pytest.param('""@x.org', '""', "x.org", id="empty quoted string"),
        pytest.param("a%b.org@x.org", "a%b.org", "x.org", id="percent is no route"),
        pytest.param("b.org!a@x.org", "b.org!a", "x.org", id="bang is no route"),
        pytest.param("a@localhost", "a", "localhost", id="one label"),
        pytest.param("a@_dmarc.x.org", "a", "_dmarc.x.org", id="underscore"),
        pytest.param(f"a@{LONG_LABEL}.org", "a", f"{LONG_LABEL}.org", id="label of 63"),
        pytest.param(f"{'a' * 64}@x.org", "a" * 64, "x.org", id="local part of 64"),
        pytest.param("a@[192.0.2.1]", "a", "[192.0.2.1]", id="IPv4 literal"),
        pytest.param("a@[IPv6:2001:DB8:0::1]", "a", "[IPv6:2001:db8::1]", id="IPv6 literal"),
        pytest.param("a@[ipv6:::1]", "a", "[IPv6:::1]", id="IPv6 tag in lower case"),
        pytest.param("jörg@x.org", "jörg", "x.org", id="UTF-8 local part"),
        pytest.param("a@Faß.de", "a", "xn--fa-hia.de", id="IDNA 2008, not 2003"),
        pytest.param("a@_x.faß.de", "a", "_x.xn--fa-hia.de", id="underscore beside a U-label"),
        pytest.param("a@日本。jp", "a", "xn--wgv71a.jp", id="ideographic dot"),
    ],
)
def test_mailbox(text: str, local_part: str, domain: str) -> None:
    mailbox = parse_mailbox(text)
    assert (mailbox.local_part, mailbox.domain, str(mailbox)) == (local_part, domain, text)


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("", id="nothing"),
        pytest.param("bob", id="no domain"),
        pytest.param("@x.org", id="no local part"),
        pytest.param("bob@", id="empty domain"),
        pytest.param(".bob@x.org", id="leading dot"),
        pytest.param("bob.@x.org", id="trailing dot"),
        pytest.param("a..b@x.org", id="two dots"),
        pytest.param("a@b@x.org", id="two ats"),
        pytest.param("a b@x.org", id="space"),
        pytest.param("a,b@x.org", id="comma"),
        pytest.param("(c)a@x.org", id="comment"),
        pytest.param('"a@x.org', id="open quote"),
        pytest.param('"a"b@x.org', id="text after quote"),
        pytest.param('"a"@b"@x.org', id="quote inside"),
        pytest.param("a@x..org", id="empty label"),
        pytest.param("a@x.org.", id="root dot"),
        pytest.param("a@-x.org", id="hyphen first"),
        pytest.param("a@x-.org", id="hyphen last"),
        pytest.param(f"a@{'a' * 64}.org", id="label of 64"),
        pytest.param(f"{'a' * 65}@x.org", id="local part of 65"),
        pytest.param(f"{'ö' * 33}@x.org", id="local part of 66 octets"),
        pytest.param("a@" + ".".join([LONG_LABEL] * 4), id="path of 259"),
        pytest.param("a@" + ".".join("ö" * 60), id="domain too long with A-labels"),
        pytest.param("a\u202egro.x@x.org", id="turned direction"),
        pytest.param("a@x.org\r\n", id="line end"),
        pytest.param("a\0@x.org", id="NUL"),
        pytest.param("a@x\0.org", id="NUL in the domain"),
        pytest.param('"a\n"@x.org', id="line feed in quotes"),
        pytest.param("a\u2028b@x.org", id="line separator"),
        pytest.param("a\x85b@x.org", id="C1 control"),
        pytest.param("a\ud800@x.org", id="surrogate"),
        pytest.param("a@[192.0.2.256]", id="octet above 255"),
        pytest.param("a@[192.0.2]", id="three octets"),
        pytest.param("a@[IPv6:::g]", id="no hexadecimal"),
        pytest.param("a@[IPv6:fe80::1%eth0]", id="zone"),
        pytest.param("a@[x400:c=no]", id="unknown literal"),
        pytest.param("a@[192.0.2.1", id="literal without end"),
        pytest.param("a@x＠evil.org", id="full width at in the domain"),
        pytest.param("a@☕.example", id="emoji"),
        pytest.param("a@müller_x.de", id="underscore in a U-label"),
    ],
)
def test_no_mailbox(text: str) -> None:
    with pytest.raises(MailboxError):
        parse_mailbox(text)


@pytest.mark.parametrize("read", [lambda: parse_mailbox("bob"), lambda: parse_path("<bob> X=@")])
def test_what_lacks_a_domain_is_told_so(read: Callable[[], object]) -> None:
    with pytest.raises(MailboxError, match="an address has an @ and a domain"):
        read()


def test_the_rest_of_a_path_comes_back() -> None:
    mailbox, rest = parse_path('<"a> NOTIFY=NEVER"@x.org> SIZE=1')
    assert (str(mailbox), rest) == ('"a> NOTIFY=NEVER"@x.org', " SIZE=1")


def test_null_path() -> None:
    assert parse_path("<> SIZE=1") == (None, " SIZE=1")


@pytest.mark.parametrize("text", ["<@a.org:b@x.org>", "<@a.org,@b.org:b@x.org>"])
def test_source_routes_are_recognized(text: str) -> None:
    with pytest.raises(SourceRouteError):
        parse_path(text)


def test_bare_postmaster_belongs_to_the_host() -> None:
    mailbox, rest = parse_path("<PostMaster>", host="mx.example.org")
    assert mailbox is not None
    assert (str(mailbox), mailbox.domain, rest) == ("PostMaster", "mx.example.org", "")
    with pytest.raises(MailboxError):
        parse_path("<postmaster>")


@pytest.mark.parametrize("literal", ["[", "[]", "[192.0.2.11", "]"])
def test_broken_literals_are_no_domains(literal: str) -> None:
    with pytest.raises(MailboxError):
        normalize_domain(literal)


@given(st.text(max_size=300))
def test_anything_is_a_mailbox_or_an_error(text: str) -> None:
    try:
        mailbox = parse_mailbox(text)
    except MailboxError:
        return
    assert str(mailbox) == text
    assert mailbox.domain.isascii()
    assert mailbox.domain == mailbox.domain.lower() or mailbox.domain.startswith("[")
    assert not any(character in text for character in "\r\n\0")


@given(st.from_regex(r'<("[ -~]{0,20}"|[a-z@,:>%]{0,20})@[a-z.@:,]{1,20}>.{0,5}', fullmatch=True))
def test_a_path_is_routed_by_what_follows_the_last_unquoted_at(text: str) -> None:
    try:
        mailbox, rest = parse_path(text)
    except MailboxError:
        return
    if mailbox is None:
        assert text == f"<>{rest}"
        return
    path = text[1 : len(text) - len(rest) - 1]
    assert path.endswith(f"@{mailbox.written_domain}")
    assert "@" not in mailbox.written_domain
    assert mailbox.domain == mailbox.written_domain.lower()


@pytest.mark.parametrize(
    ("domain", "letters"),
    [
        ("xn--mnchen-3ya.example", "münchen.example"),
        ("mail.xn--80a1acny.example", "mail.почта.example"),
        ("example.org", ""),
        ("[192.0.2.1]", ""),
        ("xn--mnchen-3ya.example:587", ""),
        ("xn--a-.example", ""),
        ("xn--" + "9" * 300, ""),
    ],
)
def test_a_name_in_its_own_letters(domain: str, letters: str) -> None:
    assert in_letters(domain) == letters
