"""One run of one relay: how fast a load went through it, what that cost, and that all arrived."""

import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from benchmarks.counters import Cpu, cpu_of
from benchmarks.load import Load, Sink, run_sink, send, wait_for
from benchmarks.peers import NextHop, Peer, Relay
from tests.support.ports import free_port

_FIRST = 20
_MORE = 10


class MailLost(AssertionError):
    """What arrived, or what is on record, is not what was sent."""


class Result(NamedTuple):
    """What a run came to."""

    rate: float
    """Messages a second."""
    cpu: Cpu
    """Of one message."""


@contextmanager
def placed(peer: Peer) -> Iterator[Path]:
    """Make a directory for a run, with one in it for the relay and one for the sink."""
    with tempfile.TemporaryDirectory(prefix=f"bench-{peer.name.lower()}-") as directory:
        place = Path(directory)
        for name in ("relay", "sink"):
            (place / name).mkdir()
        place.chmod(0o755)
        yield place


@contextmanager
def running(peer: Peer) -> Iterator[tuple[Relay, Sink]]:
    """Run a relay and the sink that it delivers to, all their files in a new directory."""
    port = free_port()
    with (
        placed(peer) as place,
        run_sink(port, place / "sink") as sink,
        peer.run(place / "relay", NextHop(port)) as relay,
    ):
        yield relay, sink


def measure(relay: Relay, sink: Sink, load: Load) -> Result:
    """Measure from the first command to when all has arrived and the queue is empty.

    Raises MailLost when anything did not arrive once, or is not on record.
    """
    arrived, recorded = sink.messages(), _recorded(relay)
    worked, began = cpu_of(relay.pids), time.perf_counter()
    send(relay.ports, load)
    wait_for(lambda: sink.messages() >= arrived + load.messages, "the last arrival")
    ended = wait_for(lambda: relay.waiting() == 0, "an empty queue")
    worked = cpu_of(relay.pids).since(worked)
    check(load, sink.messages() - arrived, _recorded(relay) - recorded, relay)
    return Result(load.messages / (ended - began), of_one(worked, load.messages))


def of_one(cpu: Cpu, messages: int) -> Cpu:
    """Return what one message cost."""
    return Cpu(cpu.user / messages, cpu.system / messages)


def _recorded(relay: Relay) -> int:
    return relay.delivered() if relay.delivered else 0


def check(load: Load, arrived: int, recorded: int, relay: Relay) -> None:
    """Compare what was sent with what arrived and what is on record. Raises MailLost.

    A relay may divide the recipients of a message among several transactions, which are all that
    the sink can count; with one recipient the numbers have to be the same.
    """
    copies = load.messages * load.recipients
    if not load.messages <= arrived <= copies:
        raise MailLost(f"{load.messages} messages were sent, {arrived} arrived")
    if relay.delivered and recorded != copies:
        raise MailLost(f"{copies} copies were sent, {recorded} are on record as delivered")


def lasting(run: Callable[[Load], Result], load: Load, seconds: float) -> Result:
    """Run `load` with as many messages as take about `seconds`, whatever `load.messages` says.

    The first runs are of few messages: they warm up, and tell how many it has to be.
    """
    messages = max(_FIRST, load.sessions)
    result = run(load._replace(messages=messages))
    while True:
        messages = int(min(messages * _MORE, max(result.rate * seconds, messages)))
        result = run(load._replace(messages=messages))
        if messages / result.rate >= seconds / 2:
            return result
