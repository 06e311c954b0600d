"""The lines we send."""

import pytest

from relay.transport.commands import Extensions, ascii_path, mail_command, rcpt_command, xtext
from tests.support.outward import make_message, make_recipient
from tracker.model import Body, Message, Notify, Ret

ALL = Extensions(keywords=("SIZE", "8BITMIME", "SMTPUTF8", "DSN", "PIPELINING"))
NONE = Extensions()
NEVER, SUCCESS, FAILURE, DELAY = Notify


@pytest.mark.parametrize(
    ("message", "extensions", "smtputf8", "command"),
    [
        pytest.param(
            make_message(size=7), NONE, False, "MAIL FROM:<sender@example.org>", id="bare"
        ),
        pytest.param(make_message(reverse_path=""), NONE, False, "MAIL FROM:<>", id="null"),
        pytest.param(
            make_message(
                size=7, body=Body.EIGHT_BIT_MIME, ret=Ret.HEADERS, envid="QQ+2B1", smtputf8=True
            ),
            ALL,
            True,
            "MAIL FROM:<sender@example.org> SIZE=7 BODY=8BITMIME SMTPUTF8 RET=HDRS ENVID=QQ+2B1",
            id="everything",
        ),
        pytest.param(
            make_message(size=7, body=Body.EIGHT_BIT_MIME, ret=Ret.FULL, envid="x"),
            NONE,
            False,
            "MAIL FROM:<sender@example.org>",
            id="nothing that was not announced",
        ),
        pytest.param(
            make_message(size=7),
            ALL,
            False,
            "MAIL FROM:<sender@example.org> SIZE=7",
            id="nothing that is not needed",
        ),
        pytest.param(
            make_message(reverse_path="a@bücher.example"),
            NONE,
            False,
            "MAIL FROM:<a@xn--bcher-kva.example>",
            id="A-labels",
        ),
        pytest.param(
            make_message(reverse_path='"a b"@example.org'),
            NONE,
            False,
            'MAIL FROM:<"a b"@example.org>',
            id="quoted as it came",
        ),
    ],
)
def test_mail(message: Message, extensions: Extensions, smtputf8: bool, command: str) -> None:
    assert mail_command(message, extensions, smtputf8=smtputf8) == command


@pytest.mark.parametrize(
    ("path", "notify", "orcpt", "extensions", "command"),
    [
        pytest.param("b@x.test", None, None, ALL, "RCPT TO:<b@x.test>", id="plain"),
        pytest.param("a,b@x.test", None, None, NONE, "RCPT TO:<a,b@x.test>", id="comma"),
        pytest.param("b@[192.0.2.1]", None, None, NONE, "RCPT TO:<b@[192.0.2.1]>", id="literal"),
        pytest.param(
            "b+c@x.test",
            frozenset({DELAY, SUCCESS}),
            None,
            ALL,
            "RCPT TO:<b+c@x.test> NOTIFY=SUCCESS,DELAY ORCPT=rfc822;b+2Bc@x.test",
            id="original recipient is ours to say",
        ),
        pytest.param(
            "b@x.test",
            frozenset({NEVER}),
            "rfc822;list+2B1@y.test",
            ALL,
            "RCPT TO:<b@x.test> NOTIFY=NEVER ORCPT=rfc822;list+2B1@y.test",
            id="original recipient as it came",
        ),
        pytest.param(
            "b@x.test",
            None,
            "rfc822;c@y.test",
            ALL,
            "RCPT TO:<b@x.test> ORCPT=rfc822;c@y.test",
            id="original recipient without NOTIFY",
        ),
        pytest.param(
            "b@x.test",
            frozenset({FAILURE}),
            "rfc822;c@y.test",
            NONE,
            "RCPT TO:<b@x.test>",
            id="no DSN",
        ),
    ],
)
def test_rcpt(
    path: str,
    notify: frozenset[Notify] | None,
    orcpt: str | None,
    extensions: Extensions,
    command: str,
) -> None:
    recipient = make_recipient(path, make_message(), notify=notify, orcpt=orcpt)
    assert rcpt_command(recipient, extensions, smtputf8=False) == command


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("a@x.test", "a@x.test"),
        ("a@bücher.test", "a@xn--bcher-kva.test"),
        ("a@faß.test", "a@xn--fa-hia.test"),
        ("ä@x.test", "ä@x.test"),
        ("a@☃..test", "a@☃..test"),
        ("", ""),
    ],
)
def test_ascii_path(path: str, expected: str) -> None:
    assert ascii_path(path) == expected


def test_xtext() -> None:
    assert xtext("a+b=c d~@x") == "a+2Bb+3Dc+20d~@x"


@pytest.mark.parametrize(
    ("parameters", "size", "recipients"),
    [
        pytest.param({"size": "1000"}, 1000, None, id="size"),
        pytest.param({"size": "0"}, None, None, id="size without limit"),
        pytest.param({"size": ""}, None, None, id="size alone"),
        pytest.param({"size": "-5"}, None, None, id="negative"),
        pytest.param({"size": "9" * 5000}, None, None, id="absurd"),
        pytest.param({"size": "²"}, None, None, id="other digits"),
        pytest.param({"limits": "RCPTMAX=7 MAILMAX=9"}, None, 7, id="limits"),
        pytest.param({"limits": "RCPTMAX rcptmax= =3"}, None, None, id="broken limits"),
    ],
)
def test_extensions(parameters: dict[str, str], size: int | None, recipients: int | None) -> None:
    extensions = Extensions.of(parameters, [])
    assert (extensions.size_limit, extensions.recipients_limit) == (size, recipients)
    assert next(iter(parameters)).upper() in extensions
