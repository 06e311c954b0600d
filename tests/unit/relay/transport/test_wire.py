"""A group of replies (RFC 2920) is waited for as one, and each reply still has its own time."""

import asyncio
import itertools

import pytest

from relay.transport.wire import Wire, WireFault


class Away(asyncio.Transport):
    """A connection whose other end is the test."""

    def __init__(self) -> None:
        super().__init__()
        self.sent: list[bytes] = []

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self.sent.append(bytes(data))

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        pass

    def is_closing(self) -> bool:
        return False


def connected() -> tuple[Wire, Away]:
    """Return a wire whose clock goes on by one second with everything that comes."""
    seconds = itertools.count()
    wire, away = Wire(lambda: float(next(seconds))), Away()
    wire.connection_made(away)
    wire.data_received(b"220 mx.test\r\n")
    assert wire.take()[1] == 0.0
    return wire, away


async def gathering(wire: Wire, *waits: float) -> asyncio.Task[None]:
    task = asyncio.create_task(wire.gather(waits))
    await asyncio.sleep(0)
    return task


async def test_a_group_of_commands_leaves_in_one_write() -> None:
    wire, away = connected()
    wire.send(["MAIL FROM:<grün@mx.test>", "DATA"])
    assert away.sent == ["MAIL FROM:<grün@mx.test>\r\nDATA\r\n".encode()]


@pytest.mark.parametrize("command", ["RSET\r\nDATA", "MAIL FROM:<a\0b@mx.test>", "DATA\x7f"])
async def test_no_control_character_leaves_in_a_command(command: str) -> None:
    wire, away = connected()
    with pytest.raises(ValueError, match="control character"):
        wire.send(["NOOP", command])
    assert away.sent == []


async def test_a_group_of_replies_wakes_once_and_tells_when_each_came() -> None:
    wire, _ = connected()
    wire.send(["MAIL", "RCPT", "DATA"])
    task = await gathering(wire, 5, 5, 5)
    for said in (b"250 one\r\n250 two\r\n3", b"54 thr", b"ee\r\n"):
        await asyncio.sleep(0)
        assert not task.done()
        wire.data_received(said)
    await task
    assert [(reply.lines[0], at) for reply, at in (wire.take() for _ in range(3))] == [
        ("one", 1.0),
        ("two", 1.0),
        ("three", 2.0),
    ]


@pytest.mark.parametrize("end", [b"421 bye\r\n", b"099 what\r\n"])
async def test_after_the_end_was_announced_nothing_more_is_waited_for(end: bytes) -> None:
    wire, _ = connected()
    wire.send(["MAIL", "RCPT", "DATA"])
    task = await gathering(wire, 5, 5, 5)
    wire.data_received(b"250 one\r\n" + end)
    await task
    assert [wire.take()[0].code for _ in range(2)] == [250, int(end[:3])]


async def test_the_replies_before_a_fault_are_kept() -> None:
    wire, _ = connected()
    wire.send(["MAIL", "RCPT"])
    task = await gathering(wire, 5, 5)
    wire.data_received(b"250 one\r\n")
    wire.eof_received()
    await task
    assert wire.take()[0].code == 250
    with pytest.raises(WireFault, match="closed"):
        wire.take()


async def test_each_reply_has_its_own_time() -> None:
    wire, _ = connected()
    wire.send(["MAIL", "RCPT", "DATA"])
    task = await gathering(wire, 5, 0.01, 5)
    wire.data_received(b"250 one\r\n")
    await task
    assert wire.take()[0].code == 250
    with pytest.raises(WireFault, match=r"No reply within 0\.01 s"):
        wire.take()


async def test_what_trickles_in_buys_no_time() -> None:
    wire, _ = connected()
    wire.send(["MAIL"])
    task = await gathering(wire, 0.05)
    for octet in itertools.cycle(b"2"):
        wire.data_received(bytes([octet]))
        await asyncio.sleep(0.01)
        if task.done():
            break
    with pytest.raises(WireFault, match=r"No reply within 0\.05 s"):
        wire.take()


async def test_an_alarm_of_before_does_not_ring_for_what_is_waited_for_now() -> None:
    wire, _ = connected()
    wire.send(["MAIL"])
    task = await gathering(wire, 0.02)
    wire.data_received(b"250 one\r\n")
    await task
    assert wire.take()[0].code == 250
    wire.send(["DATA"])
    task = await gathering(wire, 5)
    await asyncio.sleep(0.04)
    assert not task.done()
    wire.data_received(b"354 go on\r\n")
    await task
    assert wire.take()[0].code == 354
