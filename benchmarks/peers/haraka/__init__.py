"""Haraka, from npm."""

import json
import os
import shutil
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.counters import descendants
from benchmarks.peers.peer import NextHop, Peer, Relay, count_files
from tests.support.ports import free_port
from tests.support.waiting import is_listening, wait_until

_PACKAGE = Path(__file__).parents[3] / ".bench" / "haraka" / "node_modules" / "Haraka"
_PLUGIN = Path(__file__).parent / "onward.js"

_FILES = {
    "smtp.ini": "listen=127.0.0.1:{port}\nnodes=cpus\n",
    "outbound.ini": "concurrency_max=100\nenable_tls=false\nlocal_mx_ok=true\n",
    "log.ini": "[main]\nlevel=error\n",
    "onward.ini": "[hop]\nport={sink}\nspread={spread}\n",
    "me": "haraka.example.net\n",
    "plugins": "onward\n",
    "host_list": "",
}


@contextmanager
def run(directory: Path, hop: NextHop) -> Iterator[Relay]:
    """Run a Haraka of our own, one process for each core."""
    port = free_port()
    for name in ("config", "plugins", "queue"):
        (directory / name).mkdir()
    spread = "1" if hop.spread else ""
    for name, text in _FILES.items():
        (directory / "config" / name).write_text(
            text.format(port=port, sink=hop.port, spread=spread)
        )
    shutil.copy(_PACKAGE / "config" / "connection.ini", directory / "config")
    shutil.copy(_PLUGIN, directory / "plugins")
    with (directory / "output").open("wb") as output:
        process = subprocess.Popen(
            ["node", str(_PACKAGE / "bin" / "haraka"), "-c", str(directory)],
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    try:
        wait_until(lambda: is_listening("127.0.0.1", port), "Haraka")
        yield Relay(
            ports=[port],
            pids=[process.pid],
            waiting=lambda: count_files(directory / "queue"),
            flush=lambda: _flush(process.pid),
        )
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _flush(pid: int) -> None:
    for each in descendants([pid]):
        os.kill(each, signal.SIGUSR2)


def _version() -> str:
    package = json.loads((_PACKAGE / "package.json").read_text())
    node = subprocess.run(["node", "--version"], check=True, capture_output=True, text=True).stdout
    return f"{package['version']} (Node {node.strip().removeprefix('v')})"


def _missing() -> str | None:
    if shutil.which("node") is None or not _PACKAGE.is_dir():
        return "is not installed: run scripts/system-packages bench"
    return None


HARAKA = Peer(
    name="Haraka",
    settings="queue files are fsynced; a process for each core, 100 deliveries at once in each",
    version=_version,
    missing=_missing,
    run=run,
)
