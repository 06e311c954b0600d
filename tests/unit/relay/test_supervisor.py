"""The supervisor, with real processes."""

import asyncio
import os
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from relay.processes import serve_until_told
from relay.supervisor import Ties
from tests.support.waiting import wait_until

PROGRAM = textwrap.dedent(
    """
    import os, select, signal, sys, time
    from datetime import timedelta
    from pathlib import Path
    from relay.supervisor import Role, Supervisor

    notes = Path(sys.argv[1])
    mode = sys.argv[2]
    patience = {"patience": timedelta(seconds=float(sys.argv[3]))} if sys.argv[3:] else {}

    def child(name):
        def run(ties):
            if mode == "stubborn":
                signal.signal(signal.SIGTERM, signal.SIG_IGN)
            (notes / f"{name}-{os.getpid()}").touch()
            if mode == "starting" and name == "new":
                while not select.select([ties.lifeline], [], [], 0.05)[0]:
                    ties.report(serves=False)
            if mode == "stuck":
                select.select([ties.lifeline], [], [], 60)
            if not (mode == "mute" and name == "new"):
                ties.report()
            if mode in ("talkative", "starting"):
                (notes / f"serving-{os.getpid()}").touch()
                while not select.select([ties.lifeline], [], [], 0.05)[0]:
                    ties.report()
            select.select([ties.lifeline], [], [], 60)
            (notes / f"orphaned-{os.getpid()}").touch()
            return 0
        return Role(name, run)

    if mode == "cramped":
        fork, left = os.fork, [1, 0, 0, 1]
        def fork_if_there_is_room():
            if left and not left.pop(0):
                raise BlockingIOError(11, "Resource temporarily unavailable")
            return fork()
        os.fork = fork_if_there_is_room

    def renew():
        return None if mode == "keep" else [child("new")]

    def grace():
        return timedelta(seconds=-4)

    supervisor = Supervisor([child("old")], grace=grace, renew=renew, **patience)
    sys.exit(supervisor.run())
    """
)


Start = Callable[..., subprocess.Popen[bytes]]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Start a supervisor in a mode, with a patience in seconds; it does not outlive its test."""
    started: list[subprocess.Popen[bytes]] = []

    def start(mode: str = "", *patience: str) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-c", PROGRAM, str(tmp_path), mode, *patience]
        started.append(subprocess.Popen(command))
        return started[-1]

    yield start
    for supervisor in started:
        supervisor.kill()
        supervisor.wait(60)


def pids(notes: Path, name: str) -> list[int]:
    return [int(path.name.rpartition("-")[2]) for path in notes.glob(f"{name}-*")]


def lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def test_a_child_that_dies_is_started_again_and_sigterm_ends_all(
    start: Start, tmp_path: Path
) -> None:
    supervisor = start()
    (first,) = wait_until(lambda: pids(tmp_path, "old"), "the child")
    os.kill(first, signal.SIGKILL)
    wait_until(lambda: len(pids(tmp_path, "old")) == 2, "another child")
    supervisor.terminate()
    assert supervisor.wait(60) == 0
    wait_until(lambda: not any(map(lives, pids(tmp_path, "old"))), "the end of all")


def test_an_old_generation_that_does_not_end_in_time_is_killed(
    start: Start, tmp_path: Path
) -> None:
    """It may hang, with something that others wait for."""
    supervisor = start("stubborn")
    (old,) = wait_until(lambda: pids(tmp_path, "old"), "the child")
    supervisor.send_signal(signal.SIGHUP)
    wait_until(lambda: pids(tmp_path, "new"), "the new generation")
    wait_until(lambda: not lives(old), "the end of the old generation", timeout=30)
    assert len(pids(tmp_path, "new")) == 1
    supervisor.terminate()
    assert supervisor.wait(60) == 0


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGHUP], ids=["restart", "renewal"])
def test_where_no_process_can_be_started_it_is_tried_again(
    start: Start, tmp_path: Path, number: signal.Signals
) -> None:
    """Else one child that dies while the machine is full would take all others with it."""
    supervisor = start("cramped")
    (first,) = wait_until(lambda: pids(tmp_path, "old"), "the child")
    if number is signal.SIGKILL:
        os.kill(first, signal.SIGKILL)
        wait_until(lambda: len(pids(tmp_path, "old")) == 2, "another child")
    else:
        supervisor.send_signal(signal.SIGHUP)
        wait_until(lambda: pids(tmp_path, "new"), "the new generation")
    supervisor.terminate()
    assert supervisor.wait(60) == 0


def test_sighup_replaces_the_children_by_the_new_generation(start: Start, tmp_path: Path) -> None:
    supervisor = start()
    (first,) = wait_until(lambda: pids(tmp_path, "old"), "the child")
    supervisor.send_signal(signal.SIGHUP)
    wait_until(lambda: pids(tmp_path, "new"), "the new generation")
    wait_until(lambda: not lives(first), "the end of the old generation")
    supervisor.terminate()
    assert supervisor.wait(60) == 0
    assert len(pids(tmp_path, "new")) == 1


def test_the_old_generation_serves_until_the_new_one_does(start: Start, tmp_path: Path) -> None:
    supervisor = start("mute")
    (old,) = wait_until(lambda: pids(tmp_path, "old"), "the child")
    supervisor.send_signal(signal.SIGHUP)
    (new,) = wait_until(lambda: pids(tmp_path, "new"), "the new generation")
    os.kill(new, signal.SIGKILL)
    wait_until(lambda: len(pids(tmp_path, "new")) == 2, "the new generation again")
    assert lives(old)
    os.kill(old, signal.SIGKILL)
    wait_until(lambda: len(pids(tmp_path, "old")) == 2, "the old generation again")
    supervisor.terminate()
    assert supervisor.wait(60) == 0
    wait_until(lambda: not any(map(lives, pids(tmp_path, "old"))), "the end of all")


def test_a_generation_that_is_overtaken_before_it_serves_ends(start: Start, tmp_path: Path) -> None:
    supervisor = start("mute")
    (old,) = wait_until(lambda: pids(tmp_path, "old"), "the child")
    supervisor.send_signal(signal.SIGHUP)
    (overtaken,) = wait_until(lambda: pids(tmp_path, "new"), "the new generation")
    supervisor.send_signal(signal.SIGHUP)
    wait_until(lambda: len(pids(tmp_path, "new")) == 2, "the generation after it")
    wait_until(lambda: not lives(overtaken), "the end of the overtaken generation")
    (last,) = set(pids(tmp_path, "new")) - {overtaken}
    assert lives(last)
    assert lives(old)
    supervisor.terminate()
    assert supervisor.wait(10) == 0


def test_sighup_keeps_the_children_when_there_is_nothing_new(start: Start, tmp_path: Path) -> None:
    supervisor = start("keep")
    (first,) = wait_until(lambda: pids(tmp_path, "old"), "the child")
    supervisor.send_signal(signal.SIGHUP)
    os.kill(first, signal.SIGKILL)
    wait_until(lambda: len(pids(tmp_path, "old")) == 2, "the child again")
    supervisor.terminate()
    assert supervisor.wait(60) == 0


def test_a_child_that_does_not_end_in_time_is_killed(start: Start, tmp_path: Path) -> None:
    supervisor = start("stubborn")
    (child,) = wait_until(lambda: pids(tmp_path, "old"), "the child")
    supervisor.terminate()
    assert supervisor.wait(60) == 0
    wait_until(lambda: not lives(child), "the end of the child")
    assert not pids(tmp_path, "orphaned")


def test_children_end_when_the_supervisor_is_killed(start: Start, tmp_path: Path) -> None:
    supervisor = start()
    (child,) = wait_until(lambda: pids(tmp_path, "old"), "the child")
    supervisor.kill()
    supervisor.wait(60)
    wait_until(lambda: pids(tmp_path, "orphaned") == [child], "the child to notice")


def test_a_child_that_hangs_is_killed_and_started_again(start: Start, tmp_path: Path) -> None:
    """It may hold what others wait for: only its end gives that back."""
    supervisor = start("talkative", "3")
    (first,) = wait_until(lambda: pids(tmp_path, "serving"), "the child")
    os.kill(first, signal.SIGSTOP)
    wait_until(lambda: len(pids(tmp_path, "old")) > 1, "another child")
    assert not lives(first)
    supervisor.terminate()
    assert supervisor.wait(60) == 0


def test_a_child_that_goes_on_reporting_is_left_alone(start: Start, tmp_path: Path) -> None:
    supervisor = start("talkative", "5")  # longer than a busy machine keeps it from reporting
    (first,) = wait_until(lambda: pids(tmp_path, "serving"), "the child")
    time.sleep(7)
    assert pids(tmp_path, "old") == [first]
    supervisor.terminate()
    assert supervisor.wait(60) == 0


def test_a_child_that_hangs_before_it_has_said_anything_is_killed(
    start: Start, tmp_path: Path
) -> None:
    supervisor = start("stuck", "1")
    (first,) = wait_until(lambda: pids(tmp_path, "old"), "the child")
    wait_until(lambda: len(pids(tmp_path, "old")) > 1, "another child")
    assert not lives(first)
    supervisor.terminate()
    assert supervisor.wait(60) == 0


def test_a_child_may_take_its_time_to_start(start: Start, tmp_path: Path) -> None:
    """As long as it says that it lives; until it serves, the one before it does."""
    supervisor = start("starting", "5")
    (old,) = wait_until(lambda: pids(tmp_path, "old"), "the child")
    os.kill(supervisor.pid, signal.SIGHUP)
    (new,) = wait_until(lambda: pids(tmp_path, "new"), "the new generation")
    time.sleep(7)
    assert (pids(tmp_path, "old"), pids(tmp_path, "new")) == ([old], [new])
    assert lives(old)
    assert lives(new)
    supervisor.terminate()
    assert supervisor.wait(60) == 0


def test_nobody_is_blamed_for_what_stopped_the_supervisor_too(start: Start, tmp_path: Path) -> None:
    supervisor = start("talkative", "6")
    (first,) = wait_until(lambda: pids(tmp_path, "serving"), "the child")
    for pid in (supervisor.pid, first):
        os.kill(pid, signal.SIGSTOP)
    time.sleep(8)
    supervisor.send_signal(signal.SIGCONT)
    time.sleep(1.5)
    os.kill(first, signal.SIGCONT)
    time.sleep(1)
    assert pids(tmp_path, "old") == [first]
    supervisor.terminate()
    assert supervisor.wait(60) == 0


async def test_a_process_reports_until_it_is_to_stop() -> None:
    lifeline, life = os.pipe()
    reports, report = os.pipe()
    ties = Ties(lifeline, report)
    serving = asyncio.create_task(serve_until_told(ties, timedelta(milliseconds=10)))
    said = b""
    while len(said) < 12:
        said += await asyncio.to_thread(os.read, reports, 12 - len(said))
    assert said == 3 * os.getpid().to_bytes(4, "little")
    os.close(life)
    await serving
    for descriptor in (lifeline, reports, report):
        os.close(descriptor)
