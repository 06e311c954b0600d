"""Who may submit, and how one proves to be who."""

import asyncio
import base64
import contextlib
import statistics
import time
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from argon2 import PasswordHasher

from config.settings import Listener
from tests.support.certificates import Identity
from tests.support.clock import START
from tests.support.intake import MemoryFailures
from tests.support.submission import Bench, Conversation, plain_response, run_server
from tracker.model import Role
from tracker.passwords import Passwords
from tracker.sqlite import open_ledger
from tracker.store import StoreUnavailable

PASSWORD = "päss wörd"
USER = "bob@example.org"
LONGEST = plain_response(USER, "x" * 9199)
"""12,288 characters: the longest response that RFC 4954 4 asks us to take."""


@pytest.fixture
async def foreign(tmp_path: Path, identity: Identity) -> AsyncIterator[Bench]:
    """A server that trusts nobody, with one STARTTLS listener."""
    listener = Listener(
        address="127.0.0.1:0",
        tls="starttls",
        certificate=identity.certificate,
        private_key=identity.private_key,
    )
    async with run_server(
        tmp_path, listener, trusted_networks=(), auth_failures_per_client=1000
    ) as bench:
        await bench.add_account(USER, PASSWORD)
        yield bench


async def encrypted(bench: Bench) -> Conversation:
    client = await bench.connect()
    await client.greet()
    assert (await client.say("STARTTLS"))[:3] == "220"
    await client.start_tls()
    await client.say("EHLO client.example.net")
    return client


def b64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


async def test_no_relaying_for_strangers(foreign: Bench) -> None:
    client = await encrypted(foreign)
    for command in ("MAIL FROM:<a@x.org>", "MAIL FROM:<>", f"MAIL FROM:<{USER}>"):
        assert await client.say(command) == "530 5.7.0 Authentication required"
    for path in ("<b@x.org>", "<b%x.org@relay.example.org>", "<@relay.example.org:b@x.org>"):
        assert (await client.say(f"RCPT TO:{path}"))[:3] == "503"
    assert (await client.say("DATA"))[:3] == "503"


async def test_passwords_do_not_cross_a_network_in_clear_text(foreign: Bench) -> None:
    client = await foreign.connect()
    assert "AUTH" not in await client.greet()
    reply = await client.say(f"AUTH PLAIN {plain_response(USER, PASSWORD)}")
    assert reply.startswith("538 5.7.11 ")
    said = await client.say("MAIL FROM:<a@x.org>")
    assert said == "530 5.7.0 Begin with STARTTLS, then log in"


@pytest.mark.parametrize("auth", ["required", "optional", "off"])
async def test_nobody_is_asked_to_log_in_where_it_is_impossible(tmp_path: Path, auth: str) -> None:
    listener = Listener(address="127.0.0.1:0", auth=auth)  # type: ignore[arg-type]
    async with run_server(tmp_path, listener, trusted_networks=()) as bench:
        client = await bench.connect()
        assert "AUTH" not in await client.greet()
        said = await client.say("MAIL FROM:<a@x.org>")
        assert said == "550 5.7.1 Only trusted networks may send mail through this port"


@pytest.mark.parametrize("mechanism", ["PLAIN", "plain", "Plain"])
async def test_plain_with_initial_response(foreign: Bench, mechanism: str) -> None:
    client = await encrypted(foreign)
    said = await client.say(f"AUTH {mechanism} {plain_response(USER.upper(), PASSWORD)}")
    assert said.startswith("235 2.7.0 ")
    assert "AUTH" not in await client.say("EHLO c")
    await client.begin(USER, "b@x.org")
    await client.submit(b"Subject: x\r\n\r\n.\r\n")
    taken = foreign.intake.taken[0]
    assert (taken.account, taken.client.authenticated_as) == (USER, USER)
    assert taken.client.protocol == "ESMTPSA"
    assert taken.client.tls is not None
    assert taken.client.tls.startswith("TLSv1.3 TLS_")
    assert USER.encode() not in taken.octets, "the account is nobody else's business"


async def test_plain_with_a_challenge(foreign: Bench) -> None:
    client = await encrypted(foreign)
    assert await client.say("AUTH PLAIN") == "334 "
    assert (await client.say(plain_response(USER, PASSWORD)))[:3] == "235"


async def test_login(foreign: Bench) -> None:
    client = await encrypted(foreign)
    assert await client.say("auth login") == f"334 {b64('Username:')}"
    assert await client.say(b64(USER)) == f"334 {b64('Password:')}"
    assert (await client.say(b64(PASSWORD)))[:3] == "235"


async def test_login_with_initial_response(foreign: Bench) -> None:
    client = await encrypted(foreign)
    assert await client.say(f"AUTH LOGIN {b64(USER)}") == f"334 {b64('Password:')}"
    assert (await client.say(b64(PASSWORD)))[:3] == "235"


@pytest.mark.parametrize(
    ("lines", "reply"),
    [
        pytest.param(["AUTH PLAIN", "*"], "501 5.7.0", id="cancelled"),
        pytest.param(["AUTH LOGIN", b64(USER), "*"], "501 5.7.0", id="cancelled at the password"),
        pytest.param(["AUTH PLAIN", "!"], "501 5.5.2", id="no base64"),
        pytest.param(["AUTH PLAIN ="], "501 5.5.2", id="empty"),
        pytest.param([f"AUTH PLAIN {b64('a')}"], "501 5.5.2", id="one part"),
        pytest.param([f"AUTH PLAIN {b64('a' + chr(0) * 4)}"], "501 5.5.2", id="five parts"),
        pytest.param(["AUTH PLAIN gICA"], "501 5.5.2", id="no UTF-8, one part"),
        pytest.param(["AUTH PLAIN AID/AGE="], "501 5.5.2", id="no UTF-8"),
        pytest.param(["AUTH PLAIN a b"], "501 5.5.4", id="two responses"),
        pytest.param(["AUTH X-NONE"], "504 5.5.4", id="unknown mechanism"),
        pytest.param(["AUTH PLAIN", "x" * 12_289], "500 5.5.2", id="line too long"),
        pytest.param(["AUTH PLAIN", LONGEST], "535 5.7.8", id="longest line"),
        pytest.param(
            [f"AUTH PLAIN {b64(f'eve@x.org{chr(0)}{USER}{chr(0)}{PASSWORD}')}"],
            "535 5.7.8",
            id="for somebody else",
        ),
        pytest.param([f"AUTH PLAIN {plain_response(USER, 'x')}"], "535 5.7.8", id="wrong"),
        pytest.param([f"AUTH PLAIN {plain_response('no@x.org', 'x')}"], "535 5.7.8", id="nobody"),
        pytest.param([f"AUTH PLAIN {plain_response(USER, '')}"], "535 5.7.8", id="no password"),
    ],
)
async def test_failed_log_ins(foreign: Bench, lines: list[str], reply: str) -> None:
    client = await encrypted(foreign)
    for line in lines[:-1]:
        assert (await client.say(line)).startswith("334")
    assert (await client.say(lines[-1])).startswith(reply)
    assert (await client.say("MAIL FROM:<a@x.org>"))[:3] == "530"
    assert (await client.say(f"AUTH PLAIN {plain_response(USER, PASSWORD)}"))[:3] == "235"


async def test_once_is_enough(foreign: Bench) -> None:
    client = await encrypted(foreign)
    command = f"AUTH PLAIN {plain_response(USER, PASSWORD)}"
    assert (await client.say(command))[:3] == "235"
    assert (await client.say(command)).startswith("503 5.5.1 ")


async def test_commands_pipelined_behind_a_failed_log_in(foreign: Bench) -> None:
    client = await encrypted(foreign)
    client.send(
        f"AUTH PLAIN {plain_response(USER, 'wrong')}\r\n".encode()
        + b"MAIL FROM:<a@x.org>\r\nRCPT TO:<b@x.org>\r\nDATA\r\nQUIT\r\n"
    )
    replies = [(await client.reply())[:3] for _ in range(5)]
    assert replies == ["535", "530", "503", "503", "221"]
    assert foreign.intake.taken == []


async def test_a_changed_password_ends_the_old_one_at_once(foreign: Bench) -> None:
    old = f"AUTH PLAIN {plain_response(USER, PASSWORD)}"
    assert (await (await encrypted(foreign)).say(old))[:3] == "235"
    await foreign.accounts.set_password_hash(USER, await foreign.passwords.hash("new"))
    assert (await (await encrypted(foreign)).say(old))[:3] == "535"
    new = f"AUTH PLAIN {plain_response(USER, 'new')}"
    assert (await (await encrypted(foreign)).say(new))[:3] == "235"
    await foreign.accounts.remove_account(USER)
    assert (await (await encrypted(foreign)).say(new))[:3] == "535"


async def test_the_ledger_is_gone(foreign: Bench) -> None:
    foreign.accounts.problem = StoreUnavailable("gone")
    client = await encrypted(foreign)
    reply = await client.say(f"AUTH PLAIN {plain_response(USER, PASSWORD)}")
    assert reply.startswith("454 4.7.0 ")


async def test_failures_close_the_connection(foreign: Bench) -> None:
    client = await encrypted(foreign)
    wrong = f"AUTH PLAIN {plain_response(USER, 'wrong')}"
    assert (await client.say(wrong))[:3] == "535"
    assert (await client.say(wrong))[:3] == "535"
    client.send(f"{wrong}\r\n{wrong}\r\n".encode())
    assert await client.rest() == "421 4.7.0 Too many failed log-ins\r\n"


async def test_brute_force_is_blocked_by_client_and_for_a_while(tmp_path: Path) -> None:
    """Three addresses of loopback: the blocked one, one that goes on, and later the first."""
    async with run_server(
        tmp_path, auth_failures_per_client=5, auth_failures_per_connection=100
    ) as bench:
        await bench.add_account(USER, PASSWORD)
        right = f"AUTH PLAIN {plain_response(USER, PASSWORD)}"
        client = await bench.connect()
        await client.greet()
        for number in range(5):
            guess = plain_response(USER, f"guess {number}")
            assert (await client.say(f"AUTH PLAIN {guess}"))[:3] == "535"
        client.send(f"{right}\r\n".encode())
        assert (await client.rest()).startswith("421 4.7.0 ")
        host, port = bench.server.addresses[0]
        reader, writer = await asyncio.open_connection(host, port, local_addr=("127.0.0.2", 0))
        elsewhere = Conversation(reader, writer)
        bench.clients.append(elsewhere)
        await elsewhere.greet()
        assert (await elsewhere.say(right))[:3] == "235"
        bench.clock.advance(timedelta(minutes=15))
        later = await bench.connect()
        await later.greet()
        assert (await later.say(right))[:3] == "235"
        assert bench.observer.counts["authentication blocked"] == 1
        assert bench.observer.counts["authentication failed"] == 5


async def test_brute_force_is_blocked_on_all_nodes(tmp_path: Path) -> None:
    ledger = await open_ledger(tmp_path / "ledger.db")
    few: dict[str, Any] = {"auth_failures_per_client": 4, "auth_failures_per_connection": 100}
    async with (
        contextlib.AsyncExitStack() as stack,
        run_server(tmp_path, failures=ledger, **few) as one,
        run_server(tmp_path, failures=ledger, **few) as other,
    ):
        stack.push_async_callback(ledger.close)
        clients = []
        for bench in (one, other):
            await bench.add_account(USER, PASSWORD)
            clients.append(await bench.connect())
            await clients[-1].greet()
        for number in range(4):
            guess = f"AUTH PLAIN {plain_response(USER, f'guess {number}')}"
            assert (await clients[number % 2].say(guess))[:3] == "535"
        right = f"AUTH PLAIN {plain_response(USER, PASSWORD)}"
        said = await clients[1].say(right)
        assert said == "421 4.7.0 Too many failed log-ins from your address"
        wrong = f"AUTH PLAIN {plain_response(USER, 'once more')}"
        assert (await clients[0].say(wrong))[:3] == "535", "it learns of the fourth by the fifth"
        assert (await clients[0].say(right))[:3] == "421"
        assert await ledger.forget_failures(START + timedelta(days=1)) == 5


async def test_log_ins_go_on_when_failures_cannot_be_recorded(tmp_path: Path) -> None:
    failures = MemoryFailures()
    failures.problem = StoreUnavailable("the disk is full")
    async with run_server(
        tmp_path, failures=failures, auth_failures_per_client=2, auth_failures_per_connection=9
    ) as bench:
        await bench.add_account(USER, PASSWORD)
        right = f"AUTH PLAIN {plain_response(USER, PASSWORD)}"
        wrong = f"AUTH PLAIN {plain_response(USER, 'wrong')}"
        clients = [await bench.connect() for _ in range(3)]
        for client in clients:
            await client.greet()
        assert (await clients[0].say(wrong))[:3] == "535"
        assert (await clients[1].say(right))[:3] == "235"
        assert (await clients[0].say(wrong))[:3] == "535"
        assert (await clients[2].say(right))[:3] == "421"


async def test_of_guesses_at_the_same_time_no_more_are_judged_than_may_fail(
    tmp_path: Path,
) -> None:
    async with run_server(tmp_path, auth_failures_per_client=5) as bench:
        await bench.add_account(USER, PASSWORD)
        clients = [await bench.connect() for _ in range(20)]
        for number, client in enumerate(clients):
            await client.greet()
            client.send(f"AUTH PLAIN {plain_response(USER, f'guess {number}')}\r\n".encode())
        replies = sorted([(await client.reply())[:3] for client in clients])
        assert replies == ["421"] * 15 + ["535"] * 5


async def test_right_passwords_at_the_same_time_all_get_in(tmp_path: Path) -> None:
    async with run_server(tmp_path, auth_failures_per_client=2) as bench:
        await bench.add_account(USER, PASSWORD)
        clients = [await bench.connect() for _ in range(20)]
        for client in clients:
            await client.greet()
            client.send(f"AUTH PLAIN {plain_response(USER, PASSWORD)}\r\n".encode())
        assert [(await client.reply())[:3] for client in clients] == ["235"] * 20


async def test_time_does_not_tell_who_exists() -> None:
    """Medians of known and unknown addresses, interleaved, differ by less than their spread."""
    passwords = Passwords(PasswordHasher(time_cost=1, memory_cost=1024, parallelism=1), threads=1)
    made = await passwords.hash("right")
    times: dict[str, list[float]] = {"known": [], "unknown": []}
    for number in range(100):
        for kind, password_hash in (("known", made), ("unknown", None)):
            start = time.perf_counter()
            assert not await passwords.verify("a@x.org", f"wrong {number}", password_hash)
            times[kind].append(time.perf_counter() - start)
    passwords.close()
    known, unknown = (statistics.median(times[kind]) for kind in ("known", "unknown"))
    spread = statistics.quantiles(times["known"], n=10)
    assert abs(known - unknown) < max(spread[-1] - spread[0], known / 2)


@pytest.mark.parametrize(
    ("role", "reverse_path", "reply"),
    [
        pytest.param(Role.USER, USER, "250 2.1.0", id="own"),
        pytest.param(Role.USER, "BOB@EXAMPLE.ORG", "250 2.1.0", id="own in capitals"),
        pytest.param(Role.USER, "", "250 2.1.0", id="null"),
        pytest.param(Role.USER, "eve@example.org", "553 5.7.1", id="other"),
        pytest.param(Role.DOMAIN_ADMIN, "eve@example.org", "250 2.1.0", id="domain"),
        pytest.param(Role.DOMAIN_ADMIN, "eve@example.net", "553 5.7.1", id="other domain"),
        pytest.param(Role.ADMIN, "eve@example.net", "250 2.1.0", id="admin"),
    ],
)
async def test_reverse_paths_of_accounts(
    bench: Bench, role: Role, reverse_path: str, reply: str
) -> None:
    await bench.add_account(USER, PASSWORD, role)
    client = await bench.connect()
    await client.greet()
    assert (await client.say(f"AUTH PLAIN {plain_response(USER, PASSWORD)}"))[:3] == "235"
    said = await client.say(f"MAIL FROM:<{reverse_path}>")
    assert said.startswith(reply)
    if reply[0] == "5":
        assert USER in said
        assert reverse_path in said


async def test_match_sender_off(tmp_path: Path) -> None:
    async with run_server(tmp_path, match_sender=False) as bench:
        await bench.add_account(USER, PASSWORD)
        client = await bench.connect()
        await client.greet()
        await client.say(f"AUTH PLAIN {plain_response(USER, PASSWORD)}")
        await client.begin("eve@example.net")
        await client.submit(b"hi\r\n.\r\n")
        assert bench.intake.taken[0].account == USER


@pytest.mark.parametrize(
    ("auth", "announced", "mail", "log_in"),
    [
        pytest.param("required", True, "530 5.7.0", "235 2.7.0", id="required"),
        pytest.param("optional", True, "250 2.1.0", "235 2.7.0", id="optional"),
        pytest.param("off", False, "250 2.1.0", "502 5.5.1", id="off"),
    ],
)
async def test_listeners_and_trusted_clients(
    tmp_path: Path, auth: str, announced: bool, mail: str, log_in: str
) -> None:
    listener = Listener(address="127.0.0.1:0", auth=auth)  # type: ignore[arg-type]
    async with run_server(tmp_path, listener) as bench:
        await bench.add_account(USER, PASSWORD)
        client = await bench.connect()
        assert ("AUTH PLAIN LOGIN" in await client.greet()) is announced
        assert (await client.say(f"MAIL FROM:<{USER}>")).startswith(mail)
        await client.say("RSET")
        said = await client.say(f"AUTH PLAIN {plain_response(USER, PASSWORD)}")
        assert said.startswith(log_in)


async def begin_after(bench: Bench, client: Conversation, span: timedelta) -> str:
    """Return the reply to a transaction that begins when `span` has passed."""
    bench.clock.advance(span)
    return await client.say(f"MAIL FROM:<{USER}>")


@pytest.mark.parametrize("change", ["removed", "a new password"])
async def test_who_is_logged_in_is_asked_again(foreign: Bench, change: str) -> None:
    """An open connection is no way round the removal of an account, or a change of its password."""
    client = await encrypted(foreign)
    assert (await client.say(f"AUTH PLAIN {plain_response(USER, PASSWORD)}"))[:3] == "235"
    assert (await begin_after(foreign, client, timedelta(minutes=2)))[:3] == "250"
    await client.say("RSET")
    if change == "removed":
        assert await foreign.accounts.remove_account(USER)
    else:
        assert await foreign.accounts.set_password_hash(USER, await foreign.passwords.hash("new"))
    reply = await begin_after(foreign, client, timedelta(minutes=2))
    assert reply.startswith("421 4.7.0 ")
    assert await client.rest() == ""


async def test_a_new_role_counts_for_who_is_logged_in(foreign: Bench) -> None:
    client = await encrypted(foreign)
    assert (await client.say(f"AUTH PLAIN {plain_response(USER, PASSWORD)}"))[:3] == "235"
    assert await foreign.accounts.set_role(USER, Role.ADMIN)
    foreign.clock.advance(timedelta(minutes=2))
    assert (await client.say("MAIL FROM:<anybody@elsewhere.example>"))[:3] == "250"


async def test_who_is_logged_in_stays_so_without_the_ledger(foreign: Bench) -> None:
    client = await encrypted(foreign)
    assert (await client.say(f"AUTH PLAIN {plain_response(USER, PASSWORD)}"))[:3] == "235"
    foreign.accounts.problem = StoreUnavailable("away")
    assert (await begin_after(foreign, client, timedelta(minutes=2)))[:3] == "250"
