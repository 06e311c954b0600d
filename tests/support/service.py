"""Sendtrace as an operator runs it: the installed command, a configuration file, a process group.

Nothing of the product is imported here; what tests know of it comes from its commands, its ports
and its files.
"""

import contextlib
import json
import os
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.support.ports import free_port
from tests.support.waiting import is_listening, wait_until

COMMAND = Path(sys.executable).with_name("sendtrace")
"""The command of the environment that the tests run in."""

CONFIGURATION = """\
{general}
hostname = "relay.sendtrace.test"
workers = {workers}
state_directory = "{directory}/state"
shutdown_grace = "{grace}"

[store]
url = "{store}"
lease = "{lease}"

[[submission.listeners]]
address = "127.0.0.1:{submission_port}"

[panel]
address = "127.0.0.1:{panel_port}"

[delivery]
allow_private_destinations = true
"""


@dataclass
class Service:
    """`sendtrace serve` with its state in `directory`; not running until `start`.

    `general` is TOML that is put before the configuration above, `settings` behind it. `store` is
    the URL of the ledger, which is a file in `directory` when it is empty.
    """

    directory: Path
    settings: str = ""
    general: str = ""
    store: str = ""
    workers: int = 2
    lease: str = "5s"
    grace: str = "15s"
    command: Sequence[str] = (str(COMMAND),)
    submission_port: int = field(default_factory=free_port)
    panel_port: int = field(default_factory=free_port)
    _process: subprocess.Popen[bytes] | None = None

    @property
    def configuration(self) -> Path:
        """The configuration file."""
        return self.directory / "sendtrace.toml"

    @property
    def panel(self) -> str:
        """The URL of the panel, without a slash at its end."""
        return f"http://127.0.0.1:{self.panel_port}"

    @property
    def runs(self) -> bool:
        """Whether it has been started, and not been killed or told to stop since."""
        return self._process is not None

    @property
    def pid(self) -> int:
        """The supervisor's process id, which is that of its group too."""
        assert self._process is not None, "not started"
        return self._process.pid

    def start(self, prefix: Sequence[str] = ()) -> None:
        """Start it, behind `prefix` if given, and wait until it is ready."""
        names = {
            "directory": self.directory,
            "general": self.general,
            "store": self.store or f"sqlite:///{self.directory}/ledger.db",
            "workers": self.workers,
            "lease": self.lease,
            "grace": self.grace,
            "submission_port": self.submission_port,
            "panel_port": self.panel_port,
        }
        text = CONFIGURATION.format(**names) + self.settings
        self.configuration.write_text(text, encoding="utf-8")
        with (self.directory / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [*prefix, *self.command, "serve", "--config", str(self.configuration)],
                cwd=self.directory,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        try:
            wait_until(self.is_ready, "the relay to be ready", timeout=150)
        except TimeoutError as error:
            self.kill()
            raise AssertionError(f"{error}; its log:\n{self.log()}") from None

    def is_ready(self) -> bool:
        """Say whether /readyz answers 200 and a worker takes mail.

        Raises AssertionError when the process has ended.
        """
        assert self._process is not None, "not started"
        assert self._process.poll() is None, f"it ended; its log:\n{self.log()}"
        try:
            with urllib.request.urlopen(f"{self.panel}/readyz", timeout=30) as answer:
                return answer.status == 200 and is_listening("127.0.0.1", self.submission_port)
        except OSError:
            return False

    def log(self) -> str:
        """Return what it has printed so far."""
        return (self.directory / "log").read_text(encoding="utf-8", errors="replace")

    def signal_all(self, number: signal.Signals) -> None:
        """Send a signal to every process of the service at once."""
        os.killpg(self.pid, number)

    def signal_supervisor(self, number: signal.Signals) -> None:
        """Send a signal as an operator does."""
        os.kill(self.pid, number)

    def kill(self) -> None:
        """kill -9 every process of the service; what it had in memory is gone."""
        self.signal_all(signal.SIGKILL)
        self._wait_for_end()

    def terminate(self) -> int:
        """SIGTERM as a service manager sends it; return the exit status."""
        assert self._process is not None, "not started"
        self._process.send_signal(signal.SIGTERM)
        return self._wait_for_end()

    def _wait_for_end(self) -> int:
        assert self._process is not None, "not started"
        status = self._process.wait(timeout=150)
        wait_until(self._group_is_gone, "every process of the relay to end")
        self._process = None
        return status

    def _group_is_gone(self) -> bool:
        return all(state == "Z" for state in _states_of_group(self.pid))

    def run(self, *arguments: str, stdin: str = "") -> str:
        """Run `sendtrace` with this configuration; return what it prints."""
        done = subprocess.run(
            [*self.command, *arguments, "--config", str(self.configuration)],
            input=stdin,
            capture_output=True,
            text=True,
            check=False,
            timeout=150,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    def trace(self, query: str, limit: int = 100_000) -> list[dict[str, Any]]:
        """Return what `sendtrace trace --json` finds."""
        found: list[dict[str, Any]] = json.loads(
            self.run("trace", query, "--limit", str(limit), "--json")
        )
        return found

    def timeline(self, message_id: str) -> dict[str, Any]:
        """Return everything on record about one message."""
        timeline: dict[str, Any] = json.loads(self.run("queue", "show", message_id, "--json"))
        return timeline

    def statuses(self, query: str) -> list[str]:
        """Return the status of every recipient that a search finds, newest first."""
        return [row["recipient"]["status"] for row in self.trace(query)]

    @contextlib.contextmanager
    def running(self, prefix: Sequence[str] = ()) -> Iterator["Service"]:
        """Start, and in the end stop whatever still runs."""
        self.start(prefix)
        try:
            yield self
        finally:
            if self._process is not None:
                try:
                    self.terminate()
                except BaseException:
                    # Nobody else would, and it would take its time from all others.
                    with contextlib.suppress(ProcessLookupError):
                        self.kill()
                    raise


def _states_of_group(group: int) -> list[str]:
    """Return the state letter of every process in a process group (see proc(5))."""
    states = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            fields = stat.read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
            if int(fields[2]) == group:
                states.append(fields[0])
    return states
