"""`sendtrace demo` as a newcomer starts it."""

import json
import os
import re
import signal
import socket
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.acceptance.panel import Panel
from tests.support.ports import free_port
from tests.support.service import COMMAND
from tests.support.waiting import is_listening, wait_until
from tracker.model import Outcome, Status


@dataclass
class Demo:
    directory: Path
    panel: str
    """Host and port."""
    process: subprocess.Popen[bytes]

    def output(self) -> str:
        return (self.directory / "output").read_text(encoding="utf-8")

    def word_after(self, name: str) -> str:
        """Return the word that the announcement puts behind `name`, once it is there."""
        pattern = re.compile(rf"^  {name} +(\S+)", re.MULTILINE)
        return wait_until(lambda: pattern.search(self.output()), f"{name} to be printed")[1]

    def query(self, *arguments: str) -> Any:
        """Return what a command of `sendtrace` prints as JSON."""
        configuration = self.directory / "sendtrace.toml"
        done = subprocess.run(
            [COMMAND, *arguments, "--json", "--config", configuration],
            capture_output=True,
            check=True,
        )
        return json.loads(done.stdout)


@pytest.fixture
def demo(tmp_path: Path) -> Iterator[Demo]:
    panel = f"127.0.0.1:{free_port()}"
    with (tmp_path / "output").open("wb") as output:
        process = subprocess.Popen(
            [COMMAND, "demo", "--panel", panel, "--directory", tmp_path],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            env={**os.environ, "SENDTRACE_HOSTNAME": "not.the.demo"},
        )
    try:
        yield Demo(directory=tmp_path, panel=panel, process=process)
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGINT)
        process.wait(timeout=150)


def test_every_status_is_there_before_long(demo: Demo) -> None:
    wanted = {str(status) for status in Status} - {Status.QUEUED}
    seen: set[str] = set()

    def have_all_been_seen() -> bool:
        seen.update(row["recipient"]["status"] for row in demo.query("trace"))
        return wanted <= seen

    password = demo.word_after("password")
    wait_until(lambda: "All sample mail is submitted" in demo.output(), "the mail to be submitted")
    wait_until(have_all_been_seen, f"every status; so far {seen}", timeout=150)

    (dropped,) = demo.query("trace", "to:oskar@dropbear.example")
    attempts = demo.query("queue", "show", dropped["message"]["id"])["attempts"]
    assert attempts[0]["outcome"] == Outcome.UNCERTAIN

    panel = Panel.log_in(f"http://{demo.panel}", "anna@northwind.example", password)
    page = panel.get("/", outcome="all", range="kept", q="from:northwind.example")
    assert "lars@ghostport.example" in page
    assert "amy.chen@bluebird.example" not in page, "the shop's mail is not hers to see"


def test_it_ends_with_ctrl_c_and_leaves_nobody_behind(demo: Demo) -> None:
    demo.word_after("password")
    demo.process.send_signal(signal.SIGINT)
    assert demo.process.wait(timeout=150) == 0
    host, _, port = demo.panel.partition(":")
    assert not is_listening(host, int(port))


def test_it_says_why_it_cannot_start(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        panel = f"127.0.0.1:{taken.getsockname()[1]}"
        done = subprocess.run(
            [COMMAND, "demo", "--panel", panel, "--directory", tmp_path],
            capture_output=True,
            text=True,
            check=False,
            timeout=150,
        )
    assert done.returncode == 1
    assert f"cannot listen on {panel}" in done.stderr
