"""Keeps child processes running: starts them, restarts those that die, drains them at the end.

Every child holds the reading end of a pipe, the lifeline, whose writing end only the supervisor
has: it ends when the supervisor dies, however it dies. Through a second pipe it says again and
again that it lives, and whether it serves yet: one that falls silent hangs, maybe with something
that others wait for, and is killed. How long it takes to start does not matter.

It knows nothing of mail. It has one thread and no event loop, so that forking is safe at any
time, and takes its signals one by one:

SIGTERM, SIGINT  drain: every child gets SIGTERM, and SIGKILL when `grace` is over
SIGHUP           renew: a new generation starts, and once all of it serves the old one drains
                 likewise; one that another follows before that drains at once
SIGCHLD          a child has ended; unless we asked it to, it is started again
"""

import contextlib
import os
import signal
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta

import structlog

_SIGNALS = {signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGCHLD}
_PID_SIZE = 4
_REPORTS = 4096
"""Reports that are taken at once: more than come between two looks."""
_STABLE = 10.0
"""Seconds after which a child counts as having started well."""
_CRAMPED_PAUSE = 1.0
"""Seconds until a child is started for which there was no room."""
_LONGEST_PAUSE = 30.0
"""Seconds between restarts of a child that keeps dying at once."""
_GRACE_MORE = 5.0
"""Seconds beyond the grace for what a child does when it is over, such as to give back its mail."""
_OWN_STALL = 5.0
"""Seconds between two looks of ours after which nobody is blamed: we did not run, nor did they."""
PATIENCE = timedelta(minutes=1)
"""How long a child may be silent: many times what a slow disk holds up an event loop."""


@dataclass(frozen=True, slots=True)
class Ties:
    """What ties a child to its supervisor."""

    lifeline: int
    """Descriptor that becomes readable when the supervisor is gone."""
    _report: int

    def report(self, *, serves: bool = True) -> None:
        """Say that this child lives, and whether it `serves`: many times within the `PATIENCE`.

        A supervisor that does not listen just now does not hold it up.
        """
        pid = os.getpid() if serves else -os.getpid()
        with contextlib.suppress(OSError):
            os.write(self._report, pid.to_bytes(_PID_SIZE, "little", signed=True))


@dataclass(frozen=True, slots=True)
class Role:
    """What a child is to do: `run` is called in the new process; it returns the exit status."""

    name: str
    run: Callable[[Ties], int]


@dataclass(slots=True)
class _Child:
    role: Role
    pid: int
    started: float
    generation: int
    heard: float
    """When it last said that it lives, or was started."""
    patience: float
    """Seconds for which it may be silent; once it is told to end, in which it has to."""
    time_to_end: float
    """Those, by the settings that it has begun with."""
    serves: bool = False
    retiring: bool = False


@dataclass(slots=True)
class _Pending:
    """A role that waits to be started again."""

    role: Role
    at: float
    generation: int


class Supervisor:
    """Runs one process for each role until told to stop."""

    def __init__(
        self,
        roles: Sequence[Role],
        *,
        grace: Callable[[], timedelta],
        renew: Callable[[], Sequence[Role] | None],
        patience: timedelta = PATIENCE,
    ) -> None:
        """`grace` is asked when the end comes, `renew` at SIGHUP for the new generation.

        None keeps the present one.

        A child that says nothing for `patience` is killed.
        """
        self._roles = list(roles)
        self._grace = grace
        self._renew = renew
        self._patience = patience.total_seconds()
        self._looked = time.monotonic()
        self._children: dict[int, _Child] = {}
        self._pending: list[_Pending] = []
        self._failures: dict[str, int] = {}
        self._generation = 0
        lifeline, self._life = os.pipe()
        self._reports, report = os.pipe()
        os.set_blocking(self._reports, False)
        os.set_blocking(report, False)
        self._ties = Ties(lifeline, report)
        self._log = structlog.get_logger()

    def run(self) -> int:
        """Return 0 after an orderly end."""
        before = signal.pthread_sigmask(signal.SIG_BLOCK, _SIGNALS)
        try:
            for role in self._roles:
                self._start(role, self._generation)
            while (received := self._next_signal()) not in (signal.SIGTERM, signal.SIGINT):
                if received == signal.SIGHUP:
                    self._replace()
                self._reap()
                self._restart_due()
                self._listen()
                self._kill_silent()
            self._log.info("draining", children=len(self._children))
            return self._drain()
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)

    def _next_signal(self) -> int | None:
        received = signal.sigtimedwait(_SIGNALS, 0.5)
        return received.si_signo if received else None

    def _start(self, role: Role, generation: int) -> None:
        try:
            pid = os.fork()
        except OSError as error:
            # No memory, or as many processes as there may be: the others are to live on.
            self._log.error("process not started; trying again", process=role.name, problem=error)
            self._pending.append(_Pending(role, time.monotonic() + _CRAMPED_PAUSE, generation))
            return
        if pid == 0:
            os.close(self._life)
            os.close(self._reports)
            _be(role, self._ties)
        now = time.monotonic()
        self._children[pid] = _Child(
            role,
            pid,
            started=now,
            generation=generation,
            heard=now,
            patience=self._patience,
            time_to_end=self._time_to_end,
        )

    def _replace(self) -> None:
        roles = self._renew()
        if roles is None:
            return
        self._leave_overtaken()
        self._roles = list(roles)
        self._generation += 1
        for role in self._roles:
            self._start(role, self._generation)

    def _listen(self) -> None:
        """Take what children have reported; retire the old generation once the new one serves."""
        try:
            reports = os.read(self._reports, _REPORTS * _PID_SIZE)
        except BlockingIOError:
            return
        for at in range(0, len(reports), _PID_SIZE):
            said = int.from_bytes(reports[at : at + _PID_SIZE], "little", signed=True)
            child = self._children.get(abs(said))
            if child is not None:
                child.serves = child.serves or said > 0
                if not child.retiring:
                    child.heard = time.monotonic()
        new = [c for c in self._children.values() if c.generation == self._generation]
        if len(new) == len(self._roles) and all(child.serves for child in new):
            self._retire_old()

    def _kill_silent(self) -> None:
        """Kill whoever hangs: what it held is given back by that, and it is started again."""
        now = time.monotonic()
        we_stood_still, self._looked = now - self._looked > _OWN_STALL, now
        for child in self._children.values():
            if we_stood_still:
                child.heard = now
            elif now - child.heard > child.patience:
                self._log.error("process hangs; killing it", process=child.role.name, pid=child.pid)
                _signal(child.pid, signal.SIGKILL)
                child.heard = now

    def _leave_overtaken(self) -> None:
        """Retire a generation that another follows before all of it serves: an older one does."""
        if any(c.generation < self._generation and not c.retiring for c in self._children.values()):
            self._retire(lambda generation: generation == self._generation)

    def _retire_old(self) -> None:
        self._retire(lambda generation: generation < self._generation)

    def _retire(self, is_left: Callable[[int], bool]) -> None:
        self._pending = [p for p in self._pending if not is_left(p.generation)]
        for child in self._children.values():
            if is_left(child.generation) and not child.retiring:
                child.retiring = True
                # What it says from now on counts no more: it may live, and not come to an end.
                child.heard, child.patience = time.monotonic(), child.time_to_end
                _signal(child.pid, signal.SIGTERM)

    def _reap(self) -> None:
        while self._children:
            pid, status = os.waitpid(-1, os.WNOHANG)
            if pid == 0:
                return
            child = self._children.pop(pid, None)
            if child is not None and not child.retiring:
                self._note_death(child, os.waitstatus_to_exitcode(status))

    def _note_death(self, child: _Child, status: int) -> None:
        name = child.role.name
        lived = time.monotonic() - child.started
        failures = 0 if lived > _STABLE else self._failures.get(name, 0) + 1
        self._failures[name] = failures
        pause = 0.0 if not failures else min(_LONGEST_PAUSE, 0.5 * 2 ** (failures - 1))
        self._log.error(
            "process ended; starting it again", process=name, status=status, pause=pause
        )
        self._pending.append(_Pending(child.role, time.monotonic() + pause, child.generation))

    def _restart_due(self) -> None:
        now = time.monotonic()
        due = [pending for pending in self._pending if pending.at <= now]
        self._pending = [pending for pending in self._pending if pending.at > now]
        for pending in due:
            self._start(pending.role, pending.generation)

    def _drain(self) -> int:
        for pid in self._children:
            _signal(pid, signal.SIGTERM)
        deadline = time.monotonic() + self._time_to_end
        while self._children and time.monotonic() < deadline:
            signal.sigtimedwait({signal.SIGCHLD}, 0.2)
            self._forget_ended()
        for pid in self._children:
            self._log.warning("process did not end in time; killing it", pid=pid)
            _signal(pid, signal.SIGKILL)
        return 0

    @property
    def _time_to_end(self) -> float:
        """Seconds after which a child that was told to end is killed."""
        return self._grace().total_seconds() + _GRACE_MORE

    def _forget_ended(self) -> None:
        while self._children:
            pid, _ = os.waitpid(-1, os.WNOHANG)
            if pid == 0:
                return
            self._children.pop(pid, None)


def _be(role: Role, ties: Ties) -> None:
    """Become `role`; never returns."""
    status = 1
    try:
        for number in _SIGNALS:
            signal.signal(number, signal.SIG_DFL)
        # Ctrl-C reaches the whole process group; only the supervisor answers to it.
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _SIGNALS)
        status = role.run(ties)
    except BaseException:
        structlog.get_logger().exception("process hit a fault", process=role.name)
    finally:
        os._exit(status)


def _signal(pid: int, number: signal.Signals) -> None:
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return
