"""MAIL and RCPT, as tables."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relay.submission.commands import (
    Refused,
    parse_any_mail,
    parse_any_rcpt,
    parse_line,
    parse_mail,
    parse_ordinary_mail,
    parse_ordinary_rcpt,
    parse_rcpt,
)
from tracker.model import Body, EnvelopeRecipient, Notify, Ret

HOST = "relay.example.org"


def rcpt(argument: str, *, smtputf8: bool = False) -> EnvelopeRecipient:
    return parse_rcpt(argument, smtputf8=smtputf8, hostname=HOST)


def refusal_of_mail(argument: str) -> str:
    with pytest.raises(Refused) as caught:
        parse_mail(argument)
    return caught.value.reply


def refusal_of_rcpt(argument: str) -> str:
    with pytest.raises(Refused) as caught:
        rcpt(argument)
    return caught.value.reply


def test_mail_with_everything() -> None:
    mail = parse_mail(
        "from:<A@x.org> size=42 Body=8bitmime SMTPUTF8 RET=hdrs ENVID=QQ+2B+20x AUTH=<>"
    )
    assert str(mail.reverse_path) == "A@x.org"
    assert (mail.size, mail.body, mail.smtputf8) == (42, Body.EIGHT_BIT_MIME, True)
    assert (mail.ret, mail.envid) == (Ret.HEADERS, "QQ+2B+20x")


def test_mail_with_nothing() -> None:
    mail = parse_mail("FROM:<>")
    assert (mail.reverse_path, mail.size, mail.body) == (None, None, Body.SEVEN_BIT)
    assert (mail.smtputf8, mail.ret, mail.envid) == (False, None, None)


def test_one_space_after_the_colon_is_tolerated() -> None:
    assert str(parse_mail("FROM: <a@x.org>").reverse_path) == "a@x.org"


@pytest.mark.parametrize(
    ("argument", "reply"),
    [
        pytest.param("", "501 5.5.4", id="nothing"),
        pytest.param("FROM:", "501 5.5.4", id="no path"),
        pytest.param("TO:<a@x.org>", "501 5.5.4", id="other keyword"),
        pytest.param("FROM:a@x.org", "501 5.5.4", id="no brackets"),
        pytest.param("FROM:  <a@x.org>", "501 5.5.4", id="two spaces"),
        pytest.param("FROM:<a@x.org", "553 5.1.7", id="open bracket"),
        pytest.param("FROM:<a>", "553 5.1.7", id="no domain"),
        pytest.param("FROM:<postmaster>", "553 5.1.7", id="bare postmaster"),
        pytest.param("FROM:<@r.org:a@x.org>", "553 5.1.7", id="source route"),
        pytest.param("FROM:<a@x.org>SIZE=1", "501 5.5.4", id="no space"),
        pytest.param("FROM:<a@x.org> SIZE=1 SIZE=2", "501 5.5.4", id="twice"),
        pytest.param("FROM:<a@x.org> SIZE=", "501 5.5.4", id="empty value"),
        pytest.param("FROM:<a@x.org> SIZE=x", "501 5.5.4", id="size no number"),
        pytest.param("FROM:<a@x.org> SIZE=-1", "501 5.5.4", id="size negative"),
        pytest.param("FROM:<a@x.org> SIZE=" + "9" * 21, "501 5.5.4", id="size of 21 digits"),
        pytest.param("FROM:<a@x.org> SIZE=١", "501 5.5.4", id="arabic digit"),
        pytest.param("FROM:<a@x.org> BODY=BINARYMIME", "501 5.5.4", id="binary"),
        pytest.param("FROM:<a@x.org> BODY", "501 5.5.4", id="body without value"),
        pytest.param("FROM:<a@x.org> SMTPUTF8=1", "501 5.5.4", id="SMTPUTF8 with value"),
        pytest.param("FROM:<a@x.org> RET=SOME", "501 5.5.4", id="ret"),
        pytest.param("FROM:<a@x.org> ENVID=a+0D+0Ab", "501 5.5.4", id="line end in envid"),
        pytest.param("FROM:<a@x.org> ENVID=a+7F", "501 5.5.4", id="DEL in envid"),
        pytest.param("FROM:<a@x.org> ENVID=a+4", "501 5.5.4", id="half a pair"),
        pytest.param("FROM:<a@x.org> ENVID=" + "a" * 101, "501 5.5.4", id="envid of 101"),
        pytest.param("FROM:<a@x.org> AUTH=a+0Ab", "501 5.5.4", id="line end in auth"),
        pytest.param("FROM:<a@x.org> X=1", "555 5.5.4", id="unknown"),
        pytest.param("FROM:<a@x.org> NOTIFY=NEVER", "555 5.5.4", id="parameter of RCPT"),
        pytest.param("FROM:<a@x.org> <b@x.org>", "501 5.5.4", id="second path"),
        pytest.param("FROM:<ö@x.org>", "553 5.6.7", id="UTF-8 without SMTPUTF8"),
        pytest.param("FROM:<a@ö.org>", "553 5.6.7", id="U-label without SMTPUTF8"),
    ],
)
def test_mail_refused(argument: str, reply: str) -> None:
    assert refusal_of_mail(argument).startswith(f"{reply} ")


def test_rcpt_with_everything() -> None:
    recipient = rcpt("TO:<B@X.org> NOTIFY=success,Delay ORCPT=rfc822;B+2Bx@X.org")
    assert recipient == EnvelopeRecipient(
        forward_path="B@X.org",
        domain="x.org",
        notify=frozenset({Notify.SUCCESS, Notify.DELAY}),
        orcpt="rfc822;B+2Bx@X.org",
    )


@pytest.mark.parametrize(
    ("argument", "forward_path", "domain"),
    [
        pytest.param('TO:<"a@evil.org"@x.org>', '"a@evil.org"@x.org', "x.org", id="quoted at"),
        pytest.param('TO:<"a,b"@x.org>', '"a,b"@x.org', "x.org", id="quoted comma"),
        pytest.param('TO:<"<a@evil.org>"@x.org>', '"<a@evil.org>"@x.org', "x.org", id="path in it"),
        pytest.param("TO:<a%evil.org@x.org>", "a%evil.org@x.org", "x.org", id="percent elsewhere"),
        pytest.param("TO:<Postmaster>", "Postmaster", HOST, id="postmaster"),
        pytest.param("TO:<a@[127.0.0.1]>", "a@[127.0.0.1]", "[127.0.0.1]", id="literal"),
    ],
)
def test_routing_follows_the_last_unquoted_at(
    argument: str, forward_path: str, domain: str
) -> None:
    recipient = rcpt(argument)
    assert (recipient.forward_path, recipient.domain) == (forward_path, domain)


@pytest.mark.parametrize(
    ("argument", "reply"),
    [
        pytest.param("TO:<>", "553 5.1.3", id="null path"),
        pytest.param("TO:<a@x.org> b@x.org", "501 5.5.4", id="text behind"),
        pytest.param("TO:<a,b@x.org>", "553 5.1.3", id="comma"),
        pytest.param("TO:<a@x.org,b@x.org>", "553 5.1.3", id="list"),
        pytest.param("TO:<@a.org,@b.org:c@x.org>", "553 5.1.3", id="source route"),
        pytest.param("TO:<a@x.org>> NOTIFY=NEVER", "501 5.5.4", id="second bracket"),
        pytest.param(f"TO:<a%evil.org@{HOST}>", "550 5.7.1", id="percent here"),
        pytest.param(f"TO:<evil.org!a@{HOST}>", "550 5.7.1", id="bang here"),
        pytest.param(f'TO:<"a@evil.org"@{HOST}>', "550 5.7.1", id="quoted at here"),
        pytest.param("TO:<a@x.org> NOTIFY=NEVER,DELAY", "501 5.5.4", id="never with another"),
        pytest.param("TO:<a@x.org> NOTIFY=,", "501 5.5.4", id="empty list"),
        pytest.param("TO:<a@x.org> NOTIFY", "501 5.5.4", id="notify without value"),
        pytest.param("TO:<a@x.org> ORCPT=a@x.org", "501 5.5.4", id="orcpt without type"),
        pytest.param("TO:<a@x.org> ORCPT=rfc822;", "501 5.5.4", id="orcpt without address"),
        pytest.param("TO:<a@x.org> ORCPT=rfc822;a+0Ab", "501 5.5.4", id="line end in orcpt"),
        pytest.param("TO:<a@x.org> ORCPT=r c;a", "501 5.5.4", id="space in type"),
        pytest.param("TO:<a@x.org> ORCPT=utf-8;a\\x{0A}", "501 5.5.4", id="line end by code point"),
        pytest.param("TO:<a@x.org> ORCPT=utf-8;ö@x.org", "501 5.5.4", id="raw without SMTPUTF8"),
        pytest.param("TO:<a@x.org> ORCPT=rfc822;" + "a" * 500, "501 5.5.4", id="orcpt of 507"),
        pytest.param("TO:<a@x.org> SIZE=1", "555 5.5.4", id="parameter of MAIL"),
    ],
)
def test_rcpt_refused(argument: str, reply: str) -> None:
    assert refusal_of_rcpt(argument).startswith(f"{reply} ")


def test_international_recipient() -> None:
    recipient = rcpt("TO:<jörg@faß.de> ORCPT=utf-8;jörg@x.org", smtputf8=True)
    assert recipient.forward_path == "jörg@faß.de"
    assert recipient.domain == "xn--fa-hia.de"
    assert recipient.orcpt == "utf-8;jörg@x.org"
    coded = rcpt("TO:<a@x.org> ORCPT=utf-8;j\\x{F6}rg@x.org")
    assert coded.orcpt == "utf-8;j\\x{F6}rg@x.org"


@pytest.mark.parametrize(
    ("line", "parsed"),
    [
        pytest.param(b"noop", ("NOOP", ""), id="verb"),
        pytest.param(b"mAiL FROM:<>  \t", ("MAIL", "FROM:<>"), id="trailing white space"),
        pytest.param("VRFY ö".encode(), ("VRFY", "ö"), id="UTF-8"),
        pytest.param(b"", ("", ""), id="nothing"),
    ],
)
def test_lines(line: bytes, parsed: tuple[str, str]) -> None:
    assert parse_line(line) == parsed


@pytest.mark.parametrize("line", [b"NOOP \0", b"NOOP\rNOOP", b"VRFY \xff", b"\x16\x03\x01"])
def test_lines_that_are_no_text(line: bytes) -> None:
    with pytest.raises(Refused, match=r"^501 5\.5\.2 "):
        parse_line(line)


ARGUMENTS = st.one_of(
    st.text(max_size=80),
    st.builds(
        "{}{}<{}> {}".format,
        st.sampled_from(["FROM:", "TO:", "from: ", "To:"]),
        st.sampled_from(["", " "]),
        st.text(max_size=40),
        st.text(alphabet="SIZEBODYRTNVIDAHCUQP=+0123456789,;<>@ ", max_size=60),
    ),
)


@given(ARGUMENTS)
def test_any_argument_is_parsed_or_refused_with_a_reply(argument: str) -> None:
    for parse in (parse_mail, rcpt, lambda text: rcpt(text, smtputf8=True)):
        try:
            parse(argument)
        except Refused as refused:
            reply = refused.reply
            assert reply[:3] in {"501", "550", "553", "555"}
            assert reply[4:6] == "5."
            assert "\r" not in reply
            assert "\n" not in reply


LOCAL_PARTS = st.one_of(
    st.sampled_from(
        ["a", "A.b", "a..b", ".a", "a%b", "a!b", '"a b"', "x" * 64, "x" * 65, "\u017f"]
    ),
    st.text(alphabet='ab.%!#\u212a@"', min_size=1, max_size=8),
)
DOMAINS = st.one_of(
    st.sampled_from(
        ["example.org", "Example.ORG", HOST, "x", "[192.0.2.1]", "a..b", "x.", "-x.org"]
    ),
    st.builds(lambda label, count: ".".join([label] * count), st.just("y" * 63), st.integers(1, 4)),
    st.text(alphabet="aB1-_.\u00e4", min_size=1, max_size=8),
)
PARAMETERS = st.sampled_from(
    [
        "",
        " ",
        " SIZE=1",
        " size=42 body=8BitMime",
        " BODY=7BIT",
        " SIZE=\u0661",
        " BODY=8BITMIME SIZE=1",
    ]
)


@given(st.sampled_from(["FROM:", "from:", "TO:", "to: "]), LOCAL_PARTS, DOMAINS, PARAMETERS)
def test_where_the_quick_reading_answers_the_whole_grammar_says_the_same(
    keyword: str, local_part: str, domain: str, parameters: str
) -> None:
    argument = f"{keyword}<{local_part}@{domain}>{parameters}"
    mail = parse_ordinary_mail(argument)
    assert mail is None or mail == parse_any_mail(argument)
    recipient = parse_ordinary_rcpt(argument)
    assert recipient is None or recipient == parse_any_rcpt(argument, smtputf8=False, hostname=HOST)


@pytest.mark.parametrize(
    "argument",
    ["FROM:<a@x.org>", "from:<A.b+c@Mail.x.org>", "FROM:<a@x.org> SIZE=5000 BODY=8BITMIME"],
)
def test_ordinary_commands_take_the_quick_reading(argument: str) -> None:
    assert parse_ordinary_mail(argument) is not None
    path = argument.partition(" ")[0].partition(":")[2]
    assert parse_ordinary_rcpt(f"TO:{path}") is not None
