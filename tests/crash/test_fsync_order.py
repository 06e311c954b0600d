"""The ledger is on the disk before the client reads 250: kill -9 cannot show it, strace can."""

import shutil
import smtplib
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.acceptance import system
from tests.crash.strace import SYSTEM_CALLS, find_broken_promises
from tests.support.service import Service

WAL = "/x/ledger.db-wal"
RECEIVED = '7 recvfrom(9<TCP:[1]>, "Subject: one\\r\\n", 262144, 0, NULL, NULL) = 15'
WRITTEN = f'7 pwrite64(5<{WAL}>, "page", 4096, 32) = 4096'
SYNCED = f"7 fdatasync(5<{WAL}>) = 0"
ACKNOWLEDGED = '7 sendto(9<TCP:[1]>, "250 2.0.0 Ok: queued as 01\\r\\n", 30, 0, NULL, 0) = 30'


@pytest.mark.parametrize(
    ("trace", "broken"),
    [
        pytest.param([RECEIVED, WRITTEN, SYNCED, ACKNOWLEDGED], [], id="in order"),
        pytest.param([RECEIVED, WRITTEN, ACKNOWLEDGED], ["one"], id="never synced"),
        pytest.param([RECEIVED, WRITTEN, ACKNOWLEDGED, SYNCED], ["one"], id="synced too late"),
        pytest.param(
            [RECEIVED, SYNCED, WRITTEN, ACKNOWLEDGED], ["one"], id="written after the sync"
        ),
        pytest.param([WRITTEN, SYNCED, RECEIVED, ACKNOWLEDGED], ["one"], id="never written"),
        pytest.param(
            [RECEIVED, WRITTEN, f"7 fdatasync(5<{WAL}>) = -1 EIO", ACKNOWLEDGED],
            ["one"],
            id="sync failed",
        ),
        pytest.param(
            [RECEIVED, WRITTEN, "7 fdatasync(6</x/other>) = 0", ACKNOWLEDGED],
            ["one"],
            id="another file synced",
        ),
        pytest.param([RECEIVED, WRITTEN, SYNCED], ["one"], id="never acknowledged"),
        pytest.param(
            [
                *(RECEIVED, WRITTEN, f"8 fdatasync(5<{WAL}> <unfinished ...>"),
                *("8 <... fdatasync resumed>) = 0", ACKNOWLEDGED),
            ],
            [],
            id="interrupted sync",
        ),
        pytest.param(
            [
                *(RECEIVED, f"8 fdatasync(5<{WAL}> <unfinished ...>", WRITTEN),
                *("8 <... fdatasync resumed>) = 0", ACKNOWLEDGED),
            ],
            ["one"],
            id="written while the sync ran",
        ),
    ],
)
def test_the_reader_of_traces_sees_a_broken_promise(trace: list[str], broken: list[str]) -> None:
    assert find_broken_promises(trace, WAL, ["one"]) == broken


@pytest.fixture
def silent_port() -> Iterator[int]:
    """A server that accepts connections and never says a word: nothing is ever settled."""
    with socket.create_server(("127.0.0.1", 0), backlog=200) as silent:
        yield silent.getsockname()[1]


def may_trace() -> bool:
    done = subprocess.run(
        [shutil.which("strace") or "strace", "-e", "trace=none", "true"],
        capture_output=True,
        check=False,
    )
    return done.returncode == 0


@pytest.mark.acceptance
def test_every_message_is_on_the_disk_before_its_250(tmp_path: Path, silent_port: int) -> None:
    system.require("strace")
    if not may_trace():
        system.go_without("this machine does not let strace attach to processes")
    routes = f'[[routes]]\ndomain = "*"\nnext_hop = "127.0.0.1:{silent_port}"\n'
    service = Service(tmp_path, settings=routes, workers=1, lease="1h", grace="1s")
    trace = tmp_path / "trace"
    prefix = ["strace", "-D", "-f", "-y", "-qq", "-s", "400", "-e", f"trace={SYSTEM_CALLS}"]
    tokens = [f"token-{number:03}" for number in range(100)]
    with (
        service.running(prefix=[*prefix, "-o", str(trace)]),
        smtplib.SMTP("127.0.0.1", service.submission_port) as client,
    ):
        for token in tokens:
            content = f"Subject: {token}\r\n\r\nHello\r\n"
            client.sendmail("anna@a.test", [f"{token}@b.test"], content)
    lines = trace.read_text(encoding="utf-8", errors="replace").splitlines()
    assert find_broken_promises(lines, f"{tmp_path}/ledger.db-wal", tokens) == []
