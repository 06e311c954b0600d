"""`sendtrace drain`: not ready, but serving, until the relay is started again."""

import json
import smtplib
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.service import COMMAND, Service


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    with Service(tmp_path_factory.mktemp("drain"), workers=1).running() as service:
        yield service


@pytest.fixture
def service(running: Service) -> Service:
    """A node that does not drain."""
    assert drain(running, "--undo").returncode == 0
    return running


def readyz(service: Service) -> tuple[int, dict[str, Any]]:
    try:
        with urllib.request.urlopen(f"{service.panel}/readyz", timeout=60) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        with error:
            return error.code, json.load(error)


def drain(service: Service, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [str(COMMAND), "drain", "--config", str(service.configuration), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)


def test_a_draining_node_is_not_ready_but_takes_mail(service: Service) -> None:
    assert readyz(service)[1]["draining"] is False
    done = drain(service)
    assert (done.returncode, done.stderr) == (0, "")
    assert "draining" in done.stdout
    status, told = readyz(service)
    assert (status, told["ready"], told["draining"]) == (503, False, True)
    assert told["ledger"], "nothing else is wrong"
    assert told["workers"], "nothing else is wrong"
    with smtplib.SMTP("127.0.0.1", service.submission_port, timeout=60) as client:
        client.sendmail("a@example.org", ["b@nowhere.invalid"], "Subject: x\r\n\r\nhi")
    assert drain(service).returncode == 0, "saying it twice is no mistake"
    with urllib.request.urlopen(f"{service.panel}/healthz", timeout=60) as answer:
        assert answer.status == 200, "it is not to be killed for it"


def test_it_can_be_taken_back(service: Service) -> None:
    drain(service)
    assert readyz(service)[0] == 503
    undone = drain(service, "--undo")
    assert (undone.returncode, undone.stderr) == (0, "")
    assert readyz(service)[0] == 200
    assert drain(service, "--undo").returncode == 0


def test_it_waits_for_the_balancers(service: Service) -> None:
    before = time.monotonic()
    assert drain(service, "--wait", "1500ms").returncode == 0
    assert time.monotonic() - before >= 1.5
    assert readyz(service)[0] == 503


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        pytest.param(["--wait", "soon"], '--wait "soon"', id="a word"),
        pytest.param(["--wait=-1s"], '--wait "-1s"', id="before now"),
        pytest.param(["--wait", "10"], '--wait "10"', id="no unit"),
        pytest.param(["--wait", "1s", "--undo"], "not both", id="both"),
    ],
)
def test_nonsense_is_refused(service: Service, arguments: list[str], problem: str) -> None:
    done = drain(service, *arguments)
    assert done.returncode == 2
    assert problem in done.stderr
    assert "Traceback" not in done.stderr
    assert readyz(service)[0] == 200, "nothing was changed"


def test_the_next_start_is_ready_again(tmp_path: Path) -> None:
    service = Service(tmp_path, workers=1)
    with service.running():
        assert drain(service).returncode == 0
        assert service.terminate() == 0
        stopped = drain(service)
        assert stopped.returncode == 1
        assert "no relay is running" in stopped.stderr
        service.start()  # returns when /readyz answers 200
        assert readyz(service)[1]["draining"] is False


def test_where_nothing_ever_ran_nothing_is_made(tmp_path: Path) -> None:
    service = Service(tmp_path)
    service.configuration.write_text(f'state_directory = "{tmp_path}/state"\n', encoding="utf-8")
    done = drain(service)
    assert done.returncode == 1
    assert f"no relay is running with its state in {tmp_path}/state" in done.stderr
    assert not (tmp_path / "state").exists()
