"""Every recipient keeps its own reply, whatever happens to the others."""

import re

import pytest
from msgspec.structs import replace

from tests.support.dns import FakeResolver
from tests.support.outward import (
    Octets,
    make_job,
    make_message,
    make_recipient,
    outward,
)
from tests.support.server import (
    CONTENT,
    DATA,
    EHLO,
    EHLO_BARE,
    GREETING,
    MAIL,
    QUIT,
    RCPT,
    Drop,
    Entry,
    Script,
    ScriptedServer,
)
from tracker.model import Attempt, Body, Notify, Outcome, Phase, Reply, Ret

D, T, F, U = Outcome.DELIVERED, Outcome.DEFERRED, Outcome.FAILED, Outcome.UNCERTAIN
OPENING = {"pipelined": (GREETING, EHLO), "one by one": (GREETING, EHLO_BARE)}
NO_USER = "RCPT => 550 5.1.1 No such user"
LATER = "RCPT => 450 4.2.0 Greylisted"
TOO_MANY = "RCPT => 452 4.5.3 Too many recipients"
BOB, EVE, JOE = "bob@mx.test", "eve@mx.test", "joe@mx.test"


def said(attempt: Attempt) -> int | None:
    return attempt.reply.code if attempt.reply else None


@pytest.mark.parametrize("opening", OPENING.values(), ids=OPENING)
async def test_each_recipient_keeps_its_own_reply(opening: Script) -> None:
    script = (*opening, MAIL, RCPT, NO_USER, LATER, DATA, CONTENT, QUIT)
    async with ScriptedServer(script) as server, outward(port=server.port) as relay:
        job = make_job(BOB, EVE, JOE)
        attempts = (await relay.deliver(job)).attempts
    assert [(a.outcome, said(a)) for a in attempts] == [(D, 250), (F, 550), (T, 450)]
    assert [a.phase for a in attempts] == [Phase.FINAL_DOT, Phase.RCPT, Phase.RCPT]
    assert relay.flights.entered == [job.recipients[0].id]


async def test_the_record_of_one_recipient_does_not_show_the_others() -> None:
    script = (GREETING, EHLO, MAIL, RCPT, NO_USER, DATA, CONTENT, QUIT)
    async with ScriptedServer(script) as server, outward(port=server.port) as relay:
        bob, eve = (await relay.deliver(make_job(BOB, EVE))).attempts
    assert [s.command for s in bob.tries[0].steps if "RCPT" in s.command] == [f"RCPT TO:<{BOB}>"]
    assert [s.command for s in eve.tries[0].steps if "RCPT" in s.command] == [f"RCPT TO:<{EVE}>"]


@pytest.mark.parametrize("opening", OPENING.values(), ids=OPENING)
@pytest.mark.parametrize(
    ("replies", "expected"),
    [
        pytest.param([RCPT, NO_USER, Drop()], [(T, None), (F, 550), (T, None)], id="drop"),
        pytest.param(
            [NO_USER, LATER, "RCPT => 250 ok", Drop()],
            [(F, 550), (T, 450), (T, None)],
            id="drop at DATA",
        ),
    ],
)
async def test_no_reply_is_lost_when_the_connection_is(
    opening: Script, replies: Script, expected: list[tuple[Outcome, int | None]]
) -> None:
    scripts = ((*opening, MAIL, *replies), (Drop(),))
    async with ScriptedServer(*scripts) as server, outward(port=server.port) as relay:
        attempts = (await relay.deliver(make_job(BOB, EVE, JOE))).attempts
    assert [(a.outcome, said(a)) for a in attempts] == expected
    assert all(a.detail for a in attempts if a.reply is None)


CLOSING = "RCPT => 421 4.3.2 Closing"


@pytest.mark.parametrize("opening", OPENING.values(), ids=OPENING)
@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        pytest.param(
            [RCPT, NO_USER, CLOSING],
            [RCPT, DATA, CONTENT, QUIT],
            [(D, 250, False), (F, 550, False), (T, 421, False)],
            id="the last",
        ),
        pytest.param(
            [CLOSING],
            [RCPT, RCPT, DATA, CONTENT, QUIT],
            [(T, 421, False), (D, 250, False), (D, 250, False)],
            id="the first",
        ),
        pytest.param(
            [RCPT, CLOSING],
            [RCPT, DATA, CONTENT, QUIT],
            [(D, 250, False), (T, 421, False), (T, 421, True)],
            id="who was not asked waits for the next attempt",
        ),
        pytest.param(
            [CLOSING],
            [RCPT, CLOSING],
            [(T, 421, False), (T, 421, True), (T, 421, False)],
            id="twice is enough",
        ),
    ],
)
async def test_nobody_waits_behind_a_recipient_at_whom_the_server_breaks_off(
    opening: Script,
    first: list[str],
    second: list[str],
    expected: list[tuple[Outcome, int, bool]],
) -> None:
    scripts = ((*opening, MAIL, *first), (*opening, MAIL, *second))
    async with ScriptedServer(*scripts) as server, outward(port=server.port) as relay:
        attempts = (await relay.deliver(make_job(BOB, EVE, JOE))).attempts
    assert [(a.outcome, said(a), "at another recipient" in a.detail) for a in attempts] == expected
    assert server.connections == 2


HERE, ELSEWHERE = ", at this recipient", ", at another recipient"
HERE_OR = ", at this recipient or one of"
BROKEN = "The server closed the connection|The connection was lost"


@pytest.mark.parametrize(
    ("opening", "first", "second", "expected"),
    [
        pytest.param(
            "pipelined",
            [RCPT, NO_USER, Drop()],
            [RCPT, DATA, CONTENT, QUIT],
            [(D, ""), (F, ""), (T, HERE)],
            id="the last of a group",
        ),
        pytest.param(
            "pipelined",
            [Drop()],
            [RCPT, RCPT, DATA, CONTENT, MAIL, Drop()],
            [(T, ""), (D, ""), (D, "")],
            id="the first of a group, it seems",
        ),
        pytest.param(
            "pipelined",
            [NO_USER, Drop()],
            [Drop()],
            [(F, ""), (T, f"{HERE_OR} 1 more"), (T, "")],
            id="twice is enough in a group",
        ),
        pytest.param(
            "pipelined",
            [NO_USER, Drop()],
            [RCPT, DATA, CONTENT, MAIL, RCPT, DATA, CONTENT, QUIT],
            [(F, ""), (D, ""), (D, "")],
            id="it was the network",
        ),
        pytest.param(
            "one by one",
            [Drop()],
            [RCPT, RCPT, DATA, CONTENT, QUIT],
            [(T, HERE), (D, ""), (D, "")],
            id="the first",
        ),
        pytest.param(
            "one by one",
            [NO_USER, RCPT, Drop(reset=True)],
            [RCPT, DATA, CONTENT, QUIT],
            [(F, ""), (D, ""), (T, HERE)],
            id="the last",
        ),
        pytest.param(
            "one by one",
            [Drop()],
            [RCPT, Drop()],
            [(T, HERE), (T, ELSEWHERE), (T, HERE)],
            id="twice is enough",
        ),
    ],
)
async def test_nobody_waits_behind_a_recipient_at_whom_the_connection_is_lost(
    opening: str,
    first: list[Entry],
    second: list[Entry],
    expected: list[tuple[Outcome, str]],
) -> None:
    scripts = ((*OPENING[opening], MAIL, *first), (*OPENING[opening], MAIL, *second))
    async with ScriptedServer(*scripts) as server, outward(port=server.port) as relay:
        attempts = (await relay.deliver(make_job(BOB, EVE, JOE))).attempts
    assert server.connections == 2
    assert [a.outcome for a in attempts] == [outcome for outcome, _ in expected]
    for attempt, (outcome, where) in zip(attempts, expected, strict=True):
        if outcome is T:
            assert re.fullmatch(f"({BROKEN})(: [^,]+)?{where}", attempt.detail), attempt.detail


async def test_replies_that_were_lost_with_the_connection_speak_against_nobody() -> None:
    """A server may keep its replies to a group: that to MAIL is missing as well."""
    scripts = (
        (GREETING, EHLO, "MAIL, RCPT, RCPT", Drop()),
        (GREETING, EHLO, MAIL, RCPT, RCPT, DATA, CONTENT, "MAIL, RCPT", Drop()),
    )
    async with ScriptedServer(*scripts) as server, outward(port=server.port) as relay:
        attempts = (await relay.deliver(make_job(BOB, EVE, JOE))).attempts
    assert [a.outcome for a in attempts] == [T, D, D]
    assert server.connections == 2


@pytest.mark.parametrize(
    "breaking_off", [pytest.param(Drop(), id="drop"), pytest.param(CLOSING, id="421")]
)
async def test_nobody_waits_in_the_next_transaction_either(breaking_off: Entry) -> None:
    """The server takes one recipient at a time, and cannot bear the first."""
    scripts = (
        (GREETING, EHLO, MAIL, breaking_off),
        (GREETING, EHLO, *(MAIL, RCPT, DATA, CONTENT) * 2, QUIT),
    )
    async with (
        ScriptedServer(*scripts) as server,
        outward(port=server.port, recipients_per_transaction=1) as relay,
    ):
        attempts = (await relay.deliver(make_job(BOB, EVE, JOE))).attempts
    assert [a.outcome for a in attempts] == [T, D, D]
    assert server.connections == 2


async def test_one_more_session_is_all_that_an_attempt_gets() -> None:
    """Whatever number of exchanges there are."""
    drop: Script = (GREETING, EHLO_BARE, MAIL, Drop())
    async with ScriptedServer(drop, host="0.0.0.0") as server:
        resolver = FakeResolver(
            mx={"mx.test": [(10, "a.test"), (20, "b.test")]},
            addresses={"a.test": ["127.0.0.1"], "b.test": ["127.0.0.2"]},
        )
        async with outward(resolver=resolver, port=server.port) as relay:
            attempts = (await relay.deliver(make_job(BOB, EVE, JOE))).attempts
    assert [a.outcome for a in attempts] == [T, T, T]
    assert server.connections == 3


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(["DATA => 554 5.5.1 No valid recipients"], id="refused DATA"),
        pytest.param([DATA, "CONTENT => 554 5.5.1 No valid recipients"], id="354 all the same"),
    ],
)
async def test_nobody_is_left_for_a_pipelined_data(data: list[str]) -> None:
    script = (
        *(GREETING, EHLO, MAIL, NO_USER, LATER, *data),
        *("RSET => 250 ok", MAIL, RCPT, DATA, CONTENT, QUIT),
    )
    async with ScriptedServer(script) as server, outward(port=server.port) as relay:
        job = make_job(BOB, EVE)
        attempts = (await relay.deliver(job)).attempts
        assert [(a.outcome, said(a)) for a in attempts] == [(F, 550), (T, 450)]
        assert relay.flights.entered == []
        # The session is in step and serves the next message.
        assert (await relay.attempt(make_job(JOE))).outcome is D
    assert server.connections == 1
    assert server.contents[:-1] in ([], [b""])


@pytest.mark.parametrize("opening", OPENING.values(), ids=OPENING)
async def test_too_many_recipients_go_into_the_next_transaction_at_once(opening: Script) -> None:
    script = (
        *(*opening, MAIL, RCPT, TOO_MANY, TOO_MANY, DATA, CONTENT),
        *(MAIL, RCPT, "RCPT => 552 Too many", DATA, CONTENT),
        *(MAIL, RCPT, DATA, CONTENT, QUIT),
    )
    async with ScriptedServer(script) as server, outward(port=server.port) as relay:
        attempts = (await relay.deliver(make_job(BOB, EVE, JOE))).attempts
    assert [(a.outcome, said(a)) for a in attempts] == [(D, 250)] * 3
    assert server.connections == 1
    assert [len(a.tries) for a in attempts] == [1, 2, 3]


UNSURE = "CONTENT => 777 what?"


@pytest.mark.parametrize(
    ("end", "outcome"),
    [
        pytest.param(["CONTENT", Drop()], U, id="the connection is lost"),
        pytest.param([UNSURE], U, id="no code that exists"),
        pytest.param(["CONTENT => 421 4.7.0 Enough for today"], T, id="421"),
    ],
)
@pytest.mark.parametrize(
    ("second", "most"),
    [
        pytest.param([TOO_MANY], 50, id="left to the next transaction"),
        pytest.param([], 1, id="more than a transaction takes"),
    ],
)
async def test_the_message_to_one_recipient_leaves_nothing_open_about_another(
    second: list[str], most: int, end: list[Entry], outcome: Outcome
) -> None:
    """Who has been sent no message cannot have one, whatever became of that to others."""
    script = (GREETING, EHLO, MAIL, RCPT, *second, DATA, *end)
    async with (
        ScriptedServer(script) as server,
        outward(port=server.port, recipients_per_transaction=most) as relay,
    ):
        job = make_job(BOB, EVE)
        bob, eve = (await relay.deliver(job)).attempts
    assert (bob.outcome, bob.phase) == (outcome, Phase.FINAL_DOT)
    assert (eve.outcome, eve.phase) == (T, Phase.RCPT)
    assert "to other recipients" in eve.detail
    assert relay.flights.entered == [job.recipients[0].id]


async def test_452_for_the_first_recipient_is_a_deferral() -> None:
    script = (GREETING, EHLO, MAIL, TOO_MANY, "DATA => 503 no recipients", QUIT)
    async with ScriptedServer(script) as server, outward(port=server.port) as relay:
        attempt = await relay.attempt(make_job(BOB))
    assert (attempt.outcome, said(attempt)) == (T, 452)


@pytest.mark.parametrize(
    ("ehlo", "option"),
    [
        pytest.param(EHLO, 2, id="our limit"),
        pytest.param("EHLO => 250-mx\n250-PIPELINING\n250 LIMITS RCPTMAX=2", 50, id="their limit"),
    ],
)
async def test_more_recipients_than_a_transaction_takes(ehlo: str, option: int) -> None:
    script = (
        *(GREETING, ehlo, MAIL, RCPT, RCPT, DATA, CONTENT),
        *(MAIL, RCPT, RCPT, DATA, CONTENT, MAIL, RCPT, DATA, CONTENT, QUIT),
    )
    async with (
        ScriptedServer(script) as server,
        outward(port=server.port, recipients_per_transaction=option) as relay,
    ):
        job = make_job(*(f"user{i}@mx.test" for i in range(5)))
        attempts = (await relay.deliver(job)).attempts
    assert [a.outcome for a in attempts] == [D] * 5
    assert server.connections == 1


@pytest.mark.parametrize("opening", OPENING.values(), ids=OPENING)
@pytest.mark.parametrize(
    ("code", "outcome"), [pytest.param(553, F, id="5yz"), pytest.param(451, T, id="4yz")]
)
async def test_a_refused_sender_is_everybodys_reply(
    opening: Script, code: int, outcome: Outcome
) -> None:
    refusals = [f"RCPT => 503 no sender, {i}" for i in range(2)] if EHLO in opening else []
    rest = [*refusals, "DATA => 503 no sender"] if refusals else []
    script = (*opening, f"MAIL => {code} not from you", *rest, QUIT)
    async with ScriptedServer(script) as server, outward(port=server.port) as relay:
        attempts = (await relay.deliver(make_job(BOB, EVE))).attempts
    assert [(a.outcome, said(a), a.phase) for a in attempts] == [(outcome, code, Phase.MAIL)] * 2


@pytest.mark.parametrize(
    ("reply", "outcome"),
    [
        pytest.param("250 ok", D, id="250"),
        pytest.param("251 forwarded", D, id="251"),
        pytest.param("200 fine", D, id="200"),
        pytest.param("451 4.3.0 busy", T, id="451"),
        pytest.param("421 4.3.0 closing", T, id="421"),
        pytest.param("554 5.7.1 spam", F, id="554"),
        pytest.param("552 5.3.4 too big", F, id="552"),
        pytest.param("354 go on", U, id="354"),
        pytest.param("123 one", U, id="1yz"),
        pytest.param("000 zero", U, id="000"),
    ],
)
async def test_the_final_word(reply: str, outcome: Outcome) -> None:
    script = (GREETING, EHLO, MAIL, RCPT, DATA, f"CONTENT => {reply}", "QUIT => 221 bye")
    async with ScriptedServer(script) as server, outward(port=server.port) as relay:
        attempt = await relay.attempt(make_job(BOB))
    assert (attempt.outcome, attempt.phase) == (outcome, Phase.FINAL_DOT)
    assert attempt.reply == Reply(code=int(reply[:3]), lines=(reply[4:],))


async def test_every_line_of_a_reply_is_kept() -> None:
    script = (GREETING, EHLO, MAIL, RCPT, DATA, "CONTENT => 554-5.7.1 a\n554-\n554 5.7.1 b", QUIT)
    async with ScriptedServer(script) as server, outward(port=server.port) as relay:
        attempt = await relay.attempt(make_job(BOB))
    assert attempt.reply is not None
    assert attempt.reply.lines == ("5.7.1 a", "", "5.7.1 b")


async def test_a_message_above_the_announced_size_is_not_sent() -> None:
    script = (GREETING, "EHLO => 250-mx\n250 SIZE 1000", QUIT)
    async with ScriptedServer(script) as server, outward(port=server.port) as relay:
        attempt = await relay.attempt(make_job(BOB, message=make_message(size=1001)))
    assert (attempt.outcome, attempt.phase) == (F, Phase.MAIL)
    assert attempt.detail.startswith("5.3.4 ")
    assert attempt.reply is None


async def test_eight_bit_content_goes_as_it_is_and_says_so() -> None:
    script = (GREETING, EHLO_BARE, MAIL, RCPT, DATA, CONTENT, QUIT)
    text = "Subject: x\r\n\r\ngrüß\r\n".encode()
    async with ScriptedServer(script) as server, outward(port=server.port) as relay:
        message = make_message(body=Body.EIGHT_BIT_MIME)
        attempt = await relay.attempt(make_job(BOB, message=message), Octets(text))
    assert attempt.outcome is D
    assert "8BITMIME" in attempt.tries[0].detail
    assert server.contents == [text]
    assert "MAIL FROM:<sender@example.org>" in server.lines


async def test_dsn_parameters_are_handed_on() -> None:
    script = (GREETING, EHLO, MAIL, RCPT, RCPT, DATA, CONTENT, QUIT)
    message = make_message(ret=Ret.HEADERS, envid="QQ1")
    asking = make_recipient(BOB, message, notify=frozenset({Notify.SUCCESS}))
    silent = make_recipient(EVE, message)
    async with ScriptedServer(script) as server, outward(port=server.port) as relay:
        job = make_job(message=message, recipients=[asking, silent])
        attempts = (await relay.deliver(job)).attempts
    assert [a.dsn_handed_on for a in attempts] == [True, False]
    assert f"RCPT TO:<{BOB}> NOTIFY=SUCCESS ORCPT=rfc822;{BOB}" in server.lines
    assert any(line.endswith("RET=HDRS ENVID=QQ1") for line in server.lines)


async def test_dsn_parameters_stay_here_when_dsn_is_not_announced() -> None:
    script = (GREETING, EHLO_BARE, MAIL, RCPT, DATA, CONTENT, QUIT)
    message = make_message(ret=Ret.HEADERS, envid="QQ1")
    recipient = make_recipient(BOB, message, notify=frozenset({Notify.SUCCESS}))
    async with ScriptedServer(script) as server, outward(port=server.port) as relay:
        attempt = await relay.attempt(make_job(message=message, recipients=[recipient]))
    assert not attempt.dsn_handed_on
    assert server.lines[1:3] == ["MAIL FROM:<sender@example.org>", f"RCPT TO:<{BOB}>"]


UTF8 = "EHLO => 250-mx\n250-PIPELINING\n250 SMTPUTF8"


@pytest.mark.parametrize(
    ("reverse_path", "text", "outcomes"),
    [
        pytest.param("a@x.test", b"Subject: a\r\n\r\nb\r\n", [D, F, D], id="one recipient"),
        pytest.param("ä@x.test", b"Subject: a\r\n\r\nb\r\n", [F, F, F], id="the sender"),
        pytest.param("a@x.test", "Subject: ä\r\n\r\nb\r\n".encode(), [F, F, F], id="the header"),
        pytest.param("a@bücher.test", b"Subject: a\r\n\r\nb\r\n", [D, F, D], id="only a domain"),
    ],
)
async def test_without_smtputf8_only_what_needs_it_fails(
    reverse_path: str, text: bytes, outcomes: list[Outcome]
) -> None:
    script: Script = (GREETING, EHLO, MAIL, RCPT, RCPT, DATA, CONTENT, QUIT)
    if D not in outcomes:
        script = (GREETING, EHLO, QUIT)
    message = make_message(reverse_path=reverse_path, smtputf8=True)
    recipients = [
        make_recipient(BOB, message),
        make_recipient("jürgen@mx.test", message),
        replace(make_recipient("joe@mx.bücher.test", message), domain="mx.test"),
    ]
    async with ScriptedServer(script) as server, outward(port=server.port) as relay:
        job = make_job(message=message, recipients=recipients)
        attempts = (await relay.deliver(job, Octets(text))).attempts
    assert [a.outcome for a in attempts] == outcomes
    assert all(a.detail.startswith("5.6.7 ") for a in attempts if a.outcome is F)
    if D in outcomes:
        assert "RCPT TO:<joe@mx.xn--bcher-kva.test>" in server.lines


async def test_with_smtputf8_everything_goes_as_it_is() -> None:
    script = (GREETING, UTF8, MAIL, RCPT, DATA, CONTENT, QUIT)
    message = make_message(reverse_path="ä@x.test", smtputf8=True)
    recipient = make_recipient("jürgen@mx.test", message)
    async with ScriptedServer(script) as server, outward(port=server.port) as relay:
        attempt = await relay.attempt(make_job(message=message, recipients=[recipient]))
    assert attempt.outcome is D
    assert "MAIL FROM:<ä@x.test> SMTPUTF8" in server.lines
    assert "RCPT TO:<jürgen@mx.test>" in server.lines
