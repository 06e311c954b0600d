"""One conversation and a transport in memory: what is said when, and who waits for whom."""

import asyncio
import re
from pathlib import Path
from typing import Any

import pytest
from argon2 import PasswordHasher
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from config.settings import Listener, Settings, SubmissionSettings
from relay.submission.admission import Connections, TrustedNetworks
from relay.submission.connection import HIGH_WATER
from relay.submission.content import SpooledContent
from relay.submission.conversation import STEPS
from relay.submission.core import Core
from relay.submission.deadlines import Deadlines
from relay.submission.services import Door, Patience, Services
from relay.submission.session import RelaySMTP
from relay.submission.telling import Teller
from tests.support.clock import FakeClock
from tests.support.intake import (
    CountingObserver,
    MemoryAccounts,
    MemoryFailures,
    RecordingIntake,
    RecordingRefusals,
)
from tracker.guard import LogInGuard
from tracker.passwords import Passwords

ENVELOPE = b"EHLO c\r\nMAIL FROM:<a@x.org>\r\nRCPT TO:<b@x.org>\r\n"
MESSAGE = b"DATA\r\nSubject: x\r\n\r\nhi\r\n.\r\n"


class MemoryTransport(asyncio.Transport):
    """Keeps what is written, write by write; a socket that never fills up."""

    def __init__(self) -> None:
        super().__init__({"peername": ("127.0.0.1", 4711)})
        self.written: list[bytes] = []
        self.told: list[str] = []
        """To pause and to resume reading."""
        self.is_closed = False

    def write(self, data: Any) -> None:
        assert not self.is_closed
        self.written.append(data)

    def pause_reading(self) -> None:
        assert self.told[-1:] != ["pause"]
        self.told.append("pause")

    def resume_reading(self) -> None:
        assert self.told[-1:] == ["pause"]
        self.told.append("resume")

    def close(self) -> None:
        self.is_closed = True

    def abort(self) -> None:
        self.is_closed = True

    @property
    def said(self) -> str:
        """All that was written."""
        return b"".join(self.written).decode()


class Talk:
    """A conversation that has begun, and its ends."""

    def __init__(self, state: Path) -> None:
        self.intake = RecordingIntake()
        clock = FakeClock()
        self.services = Services(
            teller=Teller(delivery_lines=False),
            settings=Settings(
                hostname="relay.example.org",
                state_directory=state,
                submission=SubmissionSettings(listeners=(Listener(address="127.0.0.1:0"),)),
            ),
            clock=clock,
            intake=self.intake,
            accounts=MemoryAccounts(),
            passwords=Passwords(PasswordHasher(1, 8, 1), monotonic=clock.monotonic),
            observer=CountingObserver(),
            refusals=RecordingRefusals(),
            trusted=TrustedNetworks(("127.0.0.0/8",)),
            connections=Connections(10, 10),
            guard=LogInGuard(
                MemoryFailures(), limit=1, window=clock.now() - clock.now(), now=clock.now
            ),
            patience=Patience(command=60.0, progress=60.0, content=60.0),
            deadlines=Deadlines(60.0),
        )
        self.transport = MemoryTransport()
        self.conversation = RelaySMTP(self.services, Door(auth="optional"))
        self.conversation.connection_made(self.transport)
        self.greeting = self.transport.said
        self.transport.written.clear()

    def hear(self, octets: bytes) -> None:
        """Let `octets` arrive."""
        self.conversation.data_received(octets)

    async def rest(self) -> None:
        """Return when nothing more happens by itself."""
        for _ in range(50):
            await asyncio.sleep(0)


@pytest.fixture
async def talk(tmp_path: Path) -> Talk:
    return Talk(tmp_path)


def codes(said: str) -> list[str]:
    return [line[:3] for line in said.splitlines() if line[3] == " "]


async def test_the_replies_to_what_arrived_together_leave_together(talk: Talk) -> None:
    talk.hear(ENVELOPE + b"NOOP\r\nDATA\r\n")
    assert len(talk.transport.written) == 1
    assert codes(talk.transport.said) == ["250", "250", "250", "250", "354"]


async def test_a_command_needs_neither_task_nor_timer(talk: Talk) -> None:
    talk.hear(ENVELOPE + b"DATA\r\n")
    assert asyncio.all_tasks() == {asyncio.current_task()}


async def test_what_arrives_while_a_message_is_stored_waits_for_it(talk: Talk) -> None:
    talk.intake.gate = asyncio.Event()
    talk.hear(ENVELOPE + MESSAGE + b"NOOP\r\n")
    await talk.intake.entered.wait()
    talk.hear(b"QUIT\r\n")
    talk.transport.written.clear()
    talk.intake.gate.set()
    await talk.rest()
    assert len(talk.transport.written) == 1
    assert codes(talk.transport.said) == ["250", "250", "221"]
    assert talk.transport.is_closed


async def test_a_client_with_many_commands_is_not_the_only_one(talk: Talk) -> None:
    talk.hear(ENVELOPE + b"RCPT TO:<b@x.org>\r\n" * 3 * STEPS)
    assert len(codes(talk.transport.said)) == STEPS
    talk.hear(b"RSET\r\n")
    assert len(codes(talk.transport.said)) == STEPS, "more octets are no reason to be preferred"
    await talk.rest()
    assert len(codes(talk.transport.said)) == 3 + 3 * STEPS + 1


async def test_who_sends_more_than_can_wait_is_not_read_until_it_is_worked_off(talk: Talk) -> None:
    talk.intake.gate = asyncio.Event()
    talk.hear(ENVELOPE + MESSAGE)
    await talk.intake.entered.wait()
    talk.hear(b"NOOP\r\n" * 10)
    assert talk.transport.told == []
    talk.hear(b"MAIL FROM:<>\r\nRCPT TO:<b@x.org>\r\nDATA\r\n" + b"x\r\n" * (HIGH_WATER // 3))
    assert talk.transport.told == ["pause"]
    talk.intake.gate.set()
    await talk.rest()
    assert talk.transport.told == ["pause", "resume"]
    talk.hear(b".\r\n")
    await talk.rest()
    assert len(talk.intake.taken) == 2


async def test_who_does_not_read_the_replies_is_not_served(talk: Talk) -> None:
    talk.hear(b"EHLO c\r\n")
    talk.transport.written.clear()
    talk.conversation.pause_writing()
    talk.hear(b"NOOP\r\nNOOP\r\n")
    assert talk.transport.said == ""
    talk.conversation.resume_writing()
    assert codes(talk.transport.said) == ["250", "250"]


async def test_octets_before_the_greeting_wait_for_it(tmp_path: Path) -> None:
    """As with TLS behind a load balancer: the handshake is over before we are told of it."""
    talk = Talk(tmp_path)
    early = RelaySMTP(talk.services, Door(auth="optional"))
    early.data_received(b"NOOP\r\n")
    transport = MemoryTransport()
    early.connection_made(transport)
    assert codes(transport.said) == ["220", "250"]


async def test_who_left_before_the_greeting_is_not_counted(tmp_path: Path) -> None:
    talk = Talk(tmp_path)
    early = RelaySMTP(talk.services, Door(auth="optional"))
    early.connection_lost(None)
    early.connection_made(MemoryTransport())
    assert talk.services.open == {talk.conversation}


class BrokenCore(Core):
    """A core with a fault."""

    def next_event(self) -> None:
        raise RuntimeError("a fault")


class BrokenContent(SpooledContent):
    """A content with a fault."""

    def append(self, piece: bytes) -> None:
        raise RuntimeError("a fault")


async def test_a_fault_in_the_core_ends_the_conversation(talk: Talk) -> None:
    talk.conversation.core = BrokenCore()
    talk.hear(b"NOOP\r\nNOOP\r\n")
    assert talk.transport.said == "421 4.3.0 Local error, try again later\r\n"
    assert talk.transport.is_closed
    talk.conversation.connection_lost(None)
    assert talk.services.open == set()


async def test_a_fault_in_the_middle_of_content_ends_the_conversation(talk: Talk) -> None:
    talk.hear(ENVELOPE + b"DATA\r\n")
    talk.transport.written.clear()
    assert talk.conversation.reception is not None
    talk.conversation.reception.content = BrokenContent(Path())
    talk.hear(b"hi\r\nNOOP\r\n")
    assert talk.transport.said == "421 4.3.0 Local error, try again later\r\n"
    assert talk.transport.is_closed


async def test_what_ends_is_forgotten(talk: Talk) -> None:
    talk.hear(b"QUIT\r\n")
    await talk.conversation.wait_ended()
    lost = asyncio.create_task(talk.conversation.wait_lost())
    await talk.rest()
    assert talk.services.open == {talk.conversation}
    talk.conversation.connection_lost(None)
    await lost
    assert talk.services.open == set()


PARTS = st.lists(
    st.one_of(
        st.sampled_from(
            [ENVELOPE, MESSAGE, ENVELOPE + MESSAGE, b"DATA\r\n", b".\r\n", b"QUIT\r\n"]
        ),
        st.sampled_from([b"AUTH PLAIN\r\n", b"*\r\n", b"=\r\n", b"\r", b"\n", b"x" * 13_000]),
        st.binary(max_size=5),
    ),
    max_size=12,
)


@settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(PARTS, st.lists(st.integers(1, 50), min_size=1, max_size=5))
def test_the_pieces_do_not_show_in_the_replies(
    tmp_path: Path, parts: list[bytes], sizes: list[int]
) -> None:
    octets = b"".join(parts)

    async def hear(sizes: list[int]) -> tuple[str, int]:
        talk = Talk(tmp_path)
        offset = step = 0
        while offset < len(octets):
            size = sizes[step % len(sizes)]
            talk.hear(octets[offset : offset + size])
            offset += size
            step += 1
            await asyncio.sleep(0)
        await talk.rest()
        return re.sub(r"queued as \w+", "queued", talk.transport.said), len(talk.intake.taken)

    assert asyncio.run(hear(sizes)) == asyncio.run(hear([len(octets) or 1]))


async def test_a_client_is_present_from_its_first_word_until_it_goes(talk: Talk) -> None:
    """Whoever writes messages in groups waits for those that are present, and for no others."""
    attendance = talk.services.attendance
    assert attendance.present == 1
    attendance.begin_round()
    assert attendance.present == 0
    talk.hear(ENVELOPE)
    talk.hear(b"NOOP\r\n")
    assert attendance.present == 1
    talk.conversation.connection_lost(None)
    assert attendance.present == 0
