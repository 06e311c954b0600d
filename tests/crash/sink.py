"""smtp-sink, the load-test receiver that comes with Postfix: a file for each message it took."""

import os
import re
import subprocess
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.acceptance import system
from tests.support.ports import free_port
from tests.support.waiting import is_listening, wait_until

_SUBJECT = re.compile(rb"^Subject: (\S+)", re.MULTILINE)


@dataclass
class Sink:
    """A running smtp-sink."""

    directory: Path
    port: int
    _seen: dict[str, str]

    def copies(self) -> Counter[str]:
        """Return how many copies of each message it has, by the first word of the subject."""
        for path in self.directory.iterdir():
            if path.name not in self._seen and (subject := _SUBJECT.search(path.read_bytes())):
                self._seen[path.name] = subject[1].decode()
        return Counter(self._seen.values())


@contextmanager
def serve_sink(directory: Path) -> Iterator[Sink]:
    """Start smtp-sink with its files in `directory`; stop it at the end.

    A transaction that is cut off leaves no file: smtp-sink removes it.
    """
    system.require("smtp-sink")
    port = free_port()
    account = ("-u", "root") if os.geteuid() == 0 else ()  # it insists on being told
    command = (str(system.find("smtp-sink")), *account, "-d", f"{directory}/message.")
    process = subprocess.Popen([*command, f"127.0.0.1:{port}", "200"])
    try:
        wait_until(lambda: is_listening("127.0.0.1", port), "smtp-sink to listen")
        yield Sink(directory=directory, port=port, _seen={})
    finally:
        process.terminate()
        process.wait(timeout=90)
