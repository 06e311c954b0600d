"""Servers that break the rules: one bounded, recorded, temporary attempt, and a cut connection."""

import time
import tracemalloc
from typing import Any

import pytest

from tests.support.outward import TEXT, Octets, impatient_at, make_job, make_message, outward
from tests.support.server import (
    CONTENT,
    DATA,
    EHLO,
    EHLO_BARE,
    GREETING,
    MAIL,
    QUIT,
    RCPT,
    Deaf,
    Drip,
    Drop,
    Entry,
    Flood,
    Raw,
    Script,
    ScriptedServer,
    Silence,
)
from tests.support.smuggling import FALSE_ENDS
from tracker.model import Attempt, Outcome, Phase

T, F, U = Outcome.DEFERRED, Outcome.FAILED, Outcome.UNCERTAIN
LONG_LINE = Flood(b"x" * 65_536, 160)
ENDLESS = Flood(b"250-and another line that says nothing\r\n" * 100, 1_000)
DRIPS = Drip(b"250 " + b"x" * 5_000, 0.05)
LARGE = 8_000_000
LONG = 50.0
"""Seconds: less than any wait but the one that is short, and than all of the drips."""
BOB = "bob@mx.test"
QUICK = 0.7
"""Seconds that are waited for who is silent; for everything else a minute."""
WAITS = {
    Phase.GREETING: "greeting",
    Phase.EHLO: "ehlo",
    Phase.MAIL: "mail",
    Phase.RCPT: "rcpt",
    Phase.DATA: "data",
    Phase.CONTENT: "block",
    Phase.FINAL_DOT: "final_dot",
}


async def attempt_at(
    *script: Entry, ends_at: Phase = Phase.GREETING, octets: bytes = TEXT, **options: Any
) -> Attempt:
    """Return the attempt at a server that follows `script`, as far as `ends_at`, each time."""
    patience = impatient_at(script, **{WAITS[ends_at]: QUICK})
    async with (
        ScriptedServer(script) as server,
        outward(port=server.port, timeouts=patience, **options) as relay,
    ):
        message = make_message(size=len(octets))
        attempt = await relay.attempt(make_job(BOB, message=message), Octets(octets))
        assert server.connections == 1
        assert len(relay.pool) == (attempt.outcome is Outcome.DELIVERED)
    return attempt


SCRIPTS: dict[str, tuple[Script, Outcome, Phase]] = {
    "closed at once": ([Drop()], T, Phase.GREETING),
    "reset at once": ([Drop(reset=True)], T, Phase.GREETING),
    "no greeting": ([Silence()], T, Phase.GREETING),
    "greeting in drips": ([Drip(b"220 " + b"x" * 5_000, 0.05)], T, Phase.GREETING),
    "greeting is HTTP": (["=> HTTP/1.1 400 Bad Request"], T, Phase.GREETING),
    "greeting of 10 MB": ([LONG_LINE], T, Phase.GREETING),
    "endless greeting": ([Flood(b"220-hello\r\n" * 100, 1_000)], T, Phase.GREETING),
    "greeting 000": (["=> 000 zero"], T, Phase.GREETING),
    "greeting 199": (["=> 199 one"], T, Phase.GREETING),
    "greeting 354": (["=> 354 go on"], T, Phase.GREETING),
    "greeting of NUL": ([Raw(b"\0\0\0\0\r\n")], T, Phase.GREETING),
    "TLS without being asked": ([Raw(b"\x15\x03\x01\x00\x02\x02\x46")], T, Phase.GREETING),
    "more than a greeting": ([Raw(b"220 hi\r\n250 early\r\n"), Silence()], T, Phase.EHLO),
    "all replies at once": (
        [Raw(b"220 hi\r\n250 a\r\n250 b\r\n250 c\r\n354 d\r\n250 e\r\n"), Silence()],
        T,
        Phase.EHLO,
    ),
    "half a reply too much": ([Raw(b"220 hi\r\n250-"), Silence()], T, Phase.EHLO),
    "silent at EHLO": ([GREETING, "EHLO => 250-mx", Silence()], T, Phase.EHLO),
    "EHLO of 10 MB": ([GREETING, "EHLO => 250-mx", LONG_LINE], T, Phase.EHLO),
    "endless EHLO": ([GREETING, "EHLO => 250-mx", ENDLESS], T, Phase.EHLO),
    "silent at MAIL": ([GREETING, EHLO, Silence()], T, Phase.MAIL),
    "MAIL 199": ([GREETING, EHLO_BARE, "MAIL => 199 hm", Silence()], T, Phase.MAIL),
    "MAIL is prose": ([GREETING, EHLO_BARE, "MAIL => certainly", Silence()], T, Phase.MAIL),
    "one reply too many": (
        [GREETING, EHLO_BARE, "MAIL => 250 ok\n250 ok", "RCPT => 250 ok", Silence()],
        T,
        Phase.RCPT,
    ),
    "silent at RCPT": ([GREETING, EHLO_BARE, MAIL, Silence()], T, Phase.RCPT),
    "RCPT in drips": (
        [GREETING, EHLO_BARE, MAIL, DRIPS],
        T,
        Phase.RCPT,
    ),
    "dropped at RCPT": ([GREETING, EHLO_BARE, MAIL, Drop()], T, Phase.RCPT),
    "no 354": ([GREETING, EHLO, MAIL, RCPT, "DATA => 250 ok", Silence()], T, Phase.DATA),
    "DATA 300": ([GREETING, EHLO, MAIL, RCPT, "DATA => 300 hm", Silence()], T, Phase.DATA),
    "silent at DATA": ([GREETING, EHLO_BARE, MAIL, RCPT, Silence()], T, Phase.DATA),
    "closed after the dot": (
        [GREETING, EHLO, MAIL, RCPT, DATA, "CONTENT", Drop()],
        U,
        Phase.FINAL_DOT,
    ),
    "reset after the dot": (
        [GREETING, EHLO, MAIL, RCPT, DATA, "CONTENT", Drop(reset=True)],
        U,
        Phase.FINAL_DOT,
    ),
    "silent after the dot": (
        [GREETING, EHLO, MAIL, RCPT, DATA, "CONTENT", Silence()],
        U,
        Phase.FINAL_DOT,
    ),
    "drips after the dot": (
        [GREETING, EHLO, MAIL, RCPT, DATA, "CONTENT", DRIPS],
        U,
        Phase.FINAL_DOT,
    ),
    "prose after the dot": (
        [GREETING, EHLO, MAIL, RCPT, DATA, "CONTENT => thanks", Silence()],
        U,
        Phase.FINAL_DOT,
    ),
    "endless after the dot": (
        [GREETING, EHLO, MAIL, RCPT, DATA, "CONTENT", ENDLESS],
        U,
        Phase.FINAL_DOT,
    ),
    "10 MB after the dot": (
        [GREETING, EHLO, MAIL, RCPT, DATA, "CONTENT", LONG_LINE],
        U,
        Phase.FINAL_DOT,
    ),
}


@pytest.mark.parametrize(("script", "outcome", "phase"), SCRIPTS.values(), ids=SCRIPTS)
async def test_one_bounded_attempt(script: Script, outcome: Outcome, phase: Phase) -> None:
    began = time.monotonic()
    attempt = await attempt_at(*script, ends_at=phase)
    assert time.monotonic() - began < LONG
    assert (attempt.outcome, attempt.phase) == (outcome, phase)
    (tried,) = attempt.tries
    assert tried.phase is phase
    assert attempt.detail or attempt.reply is not None
    assert attempt.detail.isprintable()
    assert len(attempt.detail) < 500


async def test_the_reply_that_was_out_of_turn_is_on_record() -> None:
    attempt = await attempt_at(Raw(b"220 hi\r\n550 go away\r\n"), Silence())
    assert attempt.outcome is T
    assert attempt.reply is not None
    assert attempt.reply.lines == ("go away",)


async def test_all_replies_may_come_in_one_packet() -> None:
    replies = "MAIL, RCPT, DATA => 250 a\n250 b\n354 c"
    attempt = await attempt_at(GREETING, EHLO, replies, CONTENT, QUIT)
    assert attempt.outcome is Outcome.DELIVERED


async def test_replies_may_come_octet_by_octet() -> None:
    attempt = await attempt_at(
        *(Drip(b"220 hi\r\n", 0), "EHLO => 250-mx", Drip(b"250 PIPELINING\r\n", 0)),
        *("MAIL, RCPT, DATA => 250 a", Drip(b"250 b\r\n354 c\r\n", 0), CONTENT, QUIT),
    )
    assert attempt.outcome is Outcome.DELIVERED


async def test_a_peer_that_stops_reading_ends_in_time() -> None:
    began = time.monotonic()
    script = (GREETING, EHLO, MAIL, RCPT, DATA, Deaf())
    octets = b"x" * 70 + b"\r\n"
    attempt = await attempt_at(
        *script, ends_at=Phase.CONTENT, octets=octets * (LARGE // len(octets))
    )
    assert time.monotonic() - began < LONG
    assert (attempt.outcome, attempt.phase) == (T, Phase.CONTENT)


@pytest.mark.parametrize(
    ("reply", "outcome"),
    [
        pytest.param(b"552 5.3.4 too big\r\n", F, id="5yz"),
        pytest.param(b"452 4.3.1 no space\r\n", T, id="4yz"),
        pytest.param(b"421 4.3.2 closing\r\n", T, id="421"),
        pytest.param(b"250 2.0.0 thanks already\r\n", T, id="2yz is no acceptance"),
    ],
)
async def test_a_word_in_the_middle_of_the_content(reply: bytes, outcome: Outcome) -> None:
    octets = (b"x" * 70 + b"\r\n") * (LARGE // 72)
    script = (GREETING, EHLO, "MAIL, RCPT, DATA => 250 a\n250 b\n354 c", Raw(reply), Deaf())
    async with ScriptedServer(script) as server, outward(port=server.port) as relay:
        message = make_message(size=len(octets))
        attempt = await relay.attempt(make_job(BOB, message=message), Octets(octets))
    assert (attempt.outcome, attempt.phase) == (outcome, Phase.CONTENT)
    assert attempt.reply is not None
    assert attempt.reply.code == int(reply[:3])
    assert relay.flights.entered == []


async def test_a_drop_in_the_middle_of_the_content_is_not_uncertain() -> None:
    octets = (b"x" * 70 + b"\r\n") * (LARGE // 72)
    script = (GREETING, EHLO, "MAIL, RCPT, DATA => 250 a\n250 b\n354 c", Drop(reset=True))
    async with ScriptedServer(script) as server, outward(port=server.port) as relay:
        message = make_message(size=len(octets))
        attempt = await relay.attempt(make_job(BOB, message=message), Octets(octets))
    assert (attempt.outcome, attempt.phase) == (T, Phase.CONTENT)
    assert relay.flights.entered == []


@pytest.mark.parametrize("flood", [LONG_LINE, ENDLESS], ids=["one line", "many lines"])
async def test_memory_is_bounded(flood: Entry) -> None:
    script = (GREETING, EHLO, MAIL, RCPT, DATA, "CONTENT", flood)
    async with ScriptedServer(script) as server, outward(port=server.port) as relay:
        job = make_job(BOB)
        tracemalloc.start()
        try:
            await relay.deliver(job)
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
    assert peak < 3_000_000


@pytest.mark.parametrize("false_end", [*FALSE_ENDS.values(), b"\0\r\n"], ids=[*FALSE_ENDS, "NUL"])
@pytest.mark.parametrize("chunk", [1, 262_144], ids=["octet by octet", "at once"])
async def test_nothing_that_smuggles_leaves_us(false_end: bytes, chunk: int) -> None:
    octets = b"Subject: a\r\n\r\nb" + false_end + b"MAIL FROM:<x@y>\r\n"
    script = (GREETING, EHLO, MAIL, RCPT, DATA, Silence())
    async with ScriptedServer(script) as server, outward(port=server.port) as relay:
        attempt = await relay.attempt(make_job(BOB), Octets(octets, chunk))
    assert (attempt.outcome, attempt.phase) == (F, Phase.CONTENT)
    assert attempt.detail.startswith("5.6.0 ")
    assert server.contents == []
    assert relay.flights.entered == []
