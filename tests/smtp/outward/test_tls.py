"""TLS where it can be had, demanded where it must be, and passwords only inside it."""

import base64
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from config.settings import Route
from tests.support.certificates import make_identity
from tests.support.clock import FakeClock
from tests.support.dns import FakeResolver
from tests.support.outward import Outward, impatient_at, make_job, outward
from tests.support.server import (
    CONTENT,
    DATA,
    EHLO,
    EHLO_BARE,
    GREETING,
    HAPPY,
    MAIL,
    QUIT,
    RCPT,
    Drop,
    Entry,
    Raw,
    Script,
    ScriptedServer,
    Silence,
    StartTls,
)
from tracker.model import Attempt, Origin, Outcome, Phase, Verification

OFFER = "EHLO => 250-mx.test\n250 STARTTLS"
GO = "STARTTLS => 220 2.0.0 Go ahead"
TRANSFER = (MAIL, RCPT, DATA, CONTENT, QUIT)
BOB = "bob@mx.test"
D, T = Outcome.DELIVERED, Outcome.DEFERRED


class Party(NamedTuple):
    """A server's context, and the authority that vouches for it."""

    context: ssl.SSLContext
    ca_file: Path


@pytest.fixture
def trusted(tmp_path: Path) -> Party:
    return make_party(tmp_path, "mx.test", "hop.test")


@pytest.fixture
def stranger(tmp_path: Path) -> Party:
    """A certificate nobody vouches for: `ca_file` is somebody else's."""
    directory = tmp_path / "stranger"
    directory.mkdir()
    other = make_party(tmp_path, "other.test")
    return Party(make_party(directory, "mx.test", "hop.test").context, other.ca_file)


def make_party(directory: Path, *names: str) -> Party:
    identity = make_identity(directory, *names)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(identity.certificate, identity.private_key)
    return Party(context, identity.certificate)


@asynccontextmanager
async def by_route(
    *scripts: Script,
    ca_file: Path,
    implicit: ssl.SSLContext | None = None,
    **route: Any,
) -> AsyncIterator[tuple[ScriptedServer, Outward]]:
    """Yield a server at hop.test and a delivery that sends everything there."""
    resolver = FakeResolver(addresses={"hop.test": ["127.0.0.1"]})
    async with ScriptedServer(*scripts, tls=implicit) as server:
        hop = Route(domain="*", next_hop=f"hop.test:{server.port}", **route)
        async with outward(resolver=resolver, routes=[hop], ca_file=ca_file) as relay:
            yield server, relay


# --- opportunistic ---------------------------------------------------------------------------


async def test_a_certificate_nobody_vouches_for_is_better_than_clear_text(stranger: Party) -> None:
    script = (GREETING, OFFER, GO, StartTls(stranger.context), EHLO, *TRANSFER)
    async with (
        ScriptedServer(script) as server,
        outward(port=server.port, ca_file=stranger.ca_file) as relay,
    ):
        attempt = await relay.attempt(make_job(BOB))
    assert attempt.outcome is D
    (tried,) = attempt.tries
    assert tried.tls is not None
    assert tried.tls.version == "TLSv1.3"
    assert tried.tls.cipher
    assert tried.tls.verified_by is Verification.NONE
    assert tried.tls.peer_names == ("mx.test", "hop.test")
    assert tried.tls.issuer == "CN=mx.test"
    assert tried.tls_problem is None
    assert tried.tls_policy == "opportunistic"
    assert tried.extensions == ("PIPELINING", "8BITMIME", "SIZE", "DSN")


async def test_a_server_without_starttls_gets_clear_text() -> None:
    async with ScriptedServer(HAPPY) as server, outward(port=server.port) as relay:
        attempt = await relay.attempt(make_job(BOB))
    assert (attempt.outcome, attempt.tries[0].tls) == (D, None)


async def test_tls_can_be_switched_off() -> None:
    script = (GREETING, OFFER, *TRANSFER)
    async with ScriptedServer(script) as server, outward(port=server.port, tls="off") as relay:
        attempt = await relay.attempt(make_job(BOB))
    assert attempt.outcome is D
    assert "STARTTLS" not in server.lines


async def test_a_refused_starttls_is_on_record_and_the_mail_goes_on() -> None:
    script = (GREETING, OFFER, "STARTTLS => 454 4.7.0 no TLS now", *TRANSFER)
    async with ScriptedServer(script) as server, outward(port=server.port) as relay:
        attempt = await relay.attempt(make_job(BOB))
    assert attempt.outcome is D
    assert attempt.tries[0].tls_problem == "STARTTLS was refused: 454 4.7.0 no TLS now"
    assert server.connections == 1


BROKEN: dict[str, list[Entry]] = {
    "no handshake": [GO, Raw(b"this is no TLS\r\n")],
    "alert": [GO, Raw(b"\x15\x03\x01\x00\x02\x02\x28")],
    "closed": [GO, Drop()],
    "reset": [GO, Drop(reset=True)],
    "silence": [GO, Silence()],
    "no reply to STARTTLS": ["STARTTLS => 220-", Silence()],
    "refused, and closed": ["STARTTLS => 421 4.7.0 TLS is not available", Drop()],
    "refused with no code that exists": ["STARTTLS => 700 what?", Silence()],
    "injected reply": [Raw(b""), "STARTTLS => 220 go\n250 injected", Silence()],
    "injected half reply": [Raw(b""), "STARTTLS => 220 go\n250-injected", Silence()],
}


@pytest.mark.parametrize("broken", BROKEN.values(), ids=BROKEN)
async def test_broken_tls_costs_the_connection_and_not_the_mail(broken: list[Entry]) -> None:
    clock = FakeClock()
    clear: Script = (GREETING, OFFER, *TRANSFER)
    again: Script = (GREETING, OFFER, "STARTTLS => 454 not now", *TRANSFER)
    async with (
        ScriptedServer([GREETING, OFFER, *broken], clear, clear, again) as server,
        outward(
            port=server.port,
            clock=clock,
            timeouts=impatient_at(broken, starttls=1.5),
            connection_idle=timedelta(0),
        ) as relay,
    ):
        attempt = await relay.attempt(make_job(BOB))
        assert attempt.outcome is D
        (tried,) = attempt.tries
        assert tried.tls is None
        assert tried.tls_problem
        assert "STARTTLS" in [step.command for step in tried.steps]
        assert server.connections == 2
        # It is remembered: the next message does not try again.
        attempt = await relay.attempt(make_job(BOB))
        assert (attempt.tries[0].tls_problem or "").startswith("Not tried")
        assert server.connections == 3
        # But not for ever.
        clock.advance(timedelta(days=3))
        attempt = await relay.attempt(make_job(BOB))
        assert attempt.outcome is D
    assert server.lines.count("STARTTLS") == 2


@pytest.mark.parametrize(
    "then",
    [
        pytest.param([Drop()], id="closed"),
        pytest.param([Drop(reset=True)], id="reset"),
        pytest.param(["EHLO", Drop()], id="at EHLO"),
        pytest.param([Raw(b"what?\r\n"), Silence()], id="not SMTP"),
        pytest.param([Silence()], id="silence"),
        pytest.param(["EHLO => 503 5.5.1 Again?", "HELO => 503 5.5.1 Again?"], id="refused"),
    ],
)
async def test_tls_that_nothing_comes_through_is_broken(then: list[Entry], trusted: Party) -> None:
    broken = [GREETING, OFFER, GO, StartTls(trusted.context), *then]
    async with (
        ScriptedServer(broken, (GREETING, OFFER, *TRANSFER)) as server,
        outward(port=server.port, timeouts=impatient_at(then, ehlo=1.5)) as relay,
    ):
        attempt = await relay.attempt(make_job(BOB))
    assert attempt.outcome is D
    (tried,) = attempt.tries
    assert tried.tls is None
    assert tried.tls_problem
    assert server.connections == 2


async def test_a_server_that_wants_a_certificate_of_ours_gets_clear_text(trusted: Party) -> None:
    """In TLS 1.3 our side of the handshake has succeeded when it says so."""
    trusted.context.verify_mode = ssl.CERT_REQUIRED
    trusted.context.load_verify_locations(trusted.ca_file)
    broken: Script = [GREETING, OFFER, GO, StartTls(trusted.context)]
    async with (
        ScriptedServer(broken, (GREETING, OFFER, *TRANSFER)) as server,
        outward(port=server.port) as relay,
    ):
        attempt = await relay.attempt(make_job(BOB))
    assert attempt.outcome is D
    (tried,) = attempt.tries
    assert tried.tls is None
    assert tried.tls_problem


async def test_a_server_that_closes_down_does_not_lose_its_tls_for_it(trusted: Party) -> None:
    """What breaks off at STARTTLS and takes no connection after it speaks not against TLS."""
    secure: Script = (GREETING, OFFER, GO, StartTls(trusted.context), EHLO, *TRANSFER)
    closing: Script = (GREETING, OFFER, "STARTTLS => 421 4.3.2 Shutting down", Drop())
    async with (
        ScriptedServer(closing, ["=> 421 4.3.2 Shutting down", Drop()], secure) as server,
        outward(port=server.port) as relay,
    ):
        assert (await relay.attempt(make_job(BOB))).outcome is T
        attempt = await relay.attempt(make_job(BOB))
    assert attempt.outcome is D
    assert attempt.tries[0].tls is not None


# --- demanded --------------------------------------------------------------------------------


async def test_a_route_can_demand_verified_tls(trusted: Party) -> None:
    script = (GREETING, OFFER, GO, StartTls(trusted.context), EHLO, *TRANSFER)
    async with by_route(script, ca_file=trusted.ca_file, tls="verified") as (_, relay):
        attempt = await relay.attempt(make_job(BOB))
    assert attempt.outcome is D
    tls = attempt.tries[0].tls
    assert tls is not None
    assert tls.verified_by is Verification.PKIX


async def test_a_route_can_demand_tls_from_the_beginning(trusted: Party) -> None:
    async with by_route(
        HAPPY, ca_file=trusted.ca_file, implicit=trusted.context, tls="implicit"
    ) as (server, relay):
        attempt = await relay.attempt(make_job(BOB))
    assert attempt.outcome is D
    tls = attempt.tries[0].tls
    assert tls is not None
    assert tls.verified_by is Verification.PKIX
    assert "STARTTLS" not in server.lines


def is_policy_deferral(attempt: Attempt) -> bool:
    return (attempt.outcome, attempt.origin, attempt.phase) == (T, Origin.POLICY, Phase.STARTTLS)


async def test_demanded_tls_does_not_take_a_strange_certificate(stranger: Party) -> None:
    script = (GREETING, OFFER, GO, StartTls(stranger.context), Silence())
    async with by_route(script, ca_file=stranger.ca_file, tls="verified") as (server, relay):
        attempt = await relay.attempt(make_job(BOB))
    assert is_policy_deferral(attempt)
    assert "certificate does not verify" in attempt.detail
    assert server.connections == 1


async def test_demanded_tls_does_not_take_a_certificate_for_another_name(tmp_path: Path) -> None:
    party = make_party(tmp_path, "elsewhere.test")
    script = (GREETING, OFFER, GO, StartTls(party.context), Silence())
    async with by_route(script, ca_file=party.ca_file, tls="verified") as (_, relay):
        attempt = await relay.attempt(make_job(BOB))
    assert is_policy_deferral(attempt)
    assert "hop.test" in attempt.detail


async def test_implicit_tls_does_not_take_a_strange_certificate(stranger: Party) -> None:
    async with by_route(
        HAPPY, ca_file=stranger.ca_file, implicit=stranger.context, tls="implicit"
    ) as (server, relay):
        attempt = await relay.attempt(make_job(BOB))
    assert is_policy_deferral(attempt)
    assert server.lines == []


@pytest.mark.parametrize(
    "script",
    [
        pytest.param([GREETING, EHLO_BARE], id="stripped"),
        pytest.param([GREETING, OFFER, "STARTTLS => 454 no"], id="refused"),
        pytest.param([GREETING, OFFER, "STARTTLS => 220 go\n250 injected", Silence()], id="inject"),
    ],
)
async def test_demanded_tls_never_falls_back(script: list[Entry], trusted: Party) -> None:
    async with by_route(script, ca_file=trusted.ca_file, tls="verified") as (server, relay):
        attempt = await relay.attempt(make_job(BOB))
    assert is_policy_deferral(attempt)
    assert not any(line.startswith("MAIL") for line in server.lines)
    assert server.connections == 1


# --- AUTH ------------------------------------------------------------------------------------

SECRET: dict[str, Any] = {"username": "user@hop.test", "password": "correct horse"}
PLAIN = base64.b64encode(b"\0user@hop.test\0correct horse").decode()
NAME = base64.b64encode(b"user@hop.test").decode()
WORD = base64.b64encode(b"correct horse").decode()
AUTH_PLAIN = "EHLO => 250-hop.test\n250 AUTH PLAIN LOGIN"
AUTH_LOGIN = "EHLO => 250-hop.test\n250 AUTH LOGIN CRAM-MD5"


def has_secret(attempt: Attempt) -> bool:
    return any(secret in repr(attempt) for secret in (PLAIN, WORD, SECRET["password"]))


@pytest.mark.parametrize(
    ("ehlo", "dialogue"),
    [
        pytest.param(AUTH_PLAIN, [f"AUTH PLAIN {PLAIN} => 235 welcome"], id="PLAIN"),
        pytest.param(
            AUTH_LOGIN,
            [
                "AUTH LOGIN => 334 VXNlcm5hbWU6",
                f"{NAME} => 334 UGFzc3dvcmQ6",
                f"{WORD} => 235 welcome",
            ],
            id="LOGIN",
        ),
    ],
)
async def test_a_password_goes_out_inside_verified_tls(
    ehlo: str, dialogue: list[str], trusted: Party
) -> None:
    tls = StartTls(trusted.context)
    script: Script = (GREETING, OFFER, GO, tls, ehlo, *dialogue, *TRANSFER)
    async with by_route(script, ca_file=trusted.ca_file, **SECRET) as (_, relay):
        attempt = await relay.attempt(make_job(BOB))
    assert attempt.outcome is D
    assert not has_secret(attempt)
    assert any(step.command.startswith("AUTH") for step in attempt.tries[0].steps)


@pytest.mark.parametrize("tls", ["opportunistic", "off"])
async def test_a_password_never_goes_out_in_clear(tls: str, trusted: Party) -> None:
    script = (GREETING, AUTH_PLAIN)
    async with by_route(script, ca_file=trusted.ca_file, tls=tls, **SECRET) as (server, relay):
        attempt = await relay.attempt(make_job(BOB))
    assert (attempt.outcome, attempt.origin) == (T, Origin.POLICY)
    assert not any(line.startswith("AUTH") for line in server.lines)


async def test_a_password_never_goes_to_a_stranger(stranger: Party) -> None:
    script = (GREETING, OFFER, GO, StartTls(stranger.context), Silence())
    async with by_route(script, ca_file=stranger.ca_file, **SECRET) as (server, relay):
        attempt = await relay.attempt(make_job(BOB))
    assert is_policy_deferral(attempt)
    assert server.connections == 1


async def test_the_operator_may_say_otherwise(trusted: Party) -> None:
    script = (GREETING, AUTH_PLAIN, f"AUTH PLAIN {PLAIN} => 235 welcome", *TRANSFER)
    async with by_route(
        script, ca_file=trusted.ca_file, tls="off", allow_cleartext_password=True, **SECRET
    ) as (_, relay):
        attempt = await relay.attempt(make_job(BOB))
    assert attempt.outcome is D
    assert not has_secret(attempt)


@pytest.mark.parametrize(
    ("script", "origin"),
    [
        pytest.param(
            [AUTH_PLAIN, f"AUTH PLAIN {PLAIN} => 535 5.7.8 bad"], Origin.LOCAL, id="wrong password"
        ),
        pytest.param([EHLO_BARE], Origin.LOCAL, id="AUTH not offered"),
        pytest.param(["EHLO => 250-hop\n250 AUTH CRAM-MD5"], Origin.LOCAL, id="no mechanism"),
        pytest.param([AUTH_PLAIN, Silence()], Origin.NETWORK, id="no reply"),
        pytest.param(
            [AUTH_LOGIN, "AUTH LOGIN => 334 x", f"{NAME} => 535 no such user"],
            Origin.LOCAL,
            id="wrong name",
        ),
    ],
)
async def test_a_failed_log_in_is_no_bounce(
    script: list[Entry], origin: Origin, trusted: Party
) -> None:
    resolver = FakeResolver(addresses={"hop.test": ["127.0.0.1", "127.0.0.2"]})
    async with ScriptedServer([GREETING, *script]) as server:
        hop = Route(
            domain="*",
            next_hop=f"hop.test:{server.port}",
            tls="off",
            allow_cleartext_password=True,
            **SECRET,
        )
        async with outward(
            resolver=resolver,
            routes=[hop],
            ca_file=trusted.ca_file,
            timeouts=impatient_at(script, auth=1.5),
        ) as relay:
            attempt = await relay.attempt(make_job(BOB))
    assert (attempt.outcome, attempt.origin, attempt.phase) == (T, origin, Phase.AUTH)
    assert not has_secret(attempt)
    assert server.connections <= 1  # a wrong password is not tried at every address


async def test_connections_of_two_routes_are_not_mixed(trusted: Party) -> None:
    """A session that was opened as somebody is not used for mail of somebody else."""
    script = (GREETING, AUTH_PLAIN, f"AUTH PLAIN {PLAIN} => 235 welcome", *TRANSFER)
    plain = (GREETING, EHLO_BARE, *TRANSFER)
    resolver = FakeResolver(addresses={"hop.test": ["127.0.0.1"]})
    async with ScriptedServer(script, plain) as server:
        hop = f"hop.test:{server.port}"
        routes = [
            Route(
                domain="a.test", next_hop=hop, tls="off", allow_cleartext_password=True, **SECRET
            ),
            Route(domain="b.test", next_hop=hop, tls="off"),
        ]
        async with outward(resolver=resolver, routes=routes, ca_file=trusted.ca_file) as relay:
            for path in ("x@a.test", "x@b.test"):
                assert (await relay.attempt(make_job(path))).outcome is D
    assert server.connections == 2
