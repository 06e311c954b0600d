"""What administrators and machines see of the relay as a whole."""

import asyncio
import os
import re
import sqlite3
import sys
from datetime import timedelta
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from config.settings import PanelSettings
from tests.support.mail import make_submission
from tests.support.panel import NODE, Client, Desk, Record, open_desk
from tests.web.test_track import text_of
from web import readiness


async def test_destinations_say_their_state(admin: Client) -> None:
    text = await text_of(admin, "/destinations")
    assert "1 destination cannot be reached; mail for it waits for a probe." in text
    assert "ghostport.example Unreachable" in text
    assert "No host of ghostport.example could be reached" in text
    assert "probe 15:58" in text
    assert "gmail.example Reachable" in text


async def test_without_waiting_mail_there_are_no_destinations(empty_desk: Desk) -> None:
    client = await empty_desk.log_in()
    assert "All clear" in await text_of(client, "/destinations")


async def test_the_balance_closes(admin: Client) -> None:
    text = await text_of(admin, "/balance")
    assert "It closes" in text
    assert "Of 28 recipients accepted, every one is" in text
    assert "2 Mar 2026 24 13 2 0 1 8 0" in text
    assert "All days 28 16 2 1 1 8 0" in text


async def test_a_balance_that_does_not_close_is_shouted(tmp_path: Path, record: Record) -> None:
    async with open_desk(tmp_path, record=record) as desk:
        with sqlite3.connect(desk.ledger.path) as connection:
            connection.execute("UPDATE days SET delivered = delivered - 3 WHERE delivered > 10")
        connection.close()
        client = await desk.log_in()
        text = await text_of(client, "/balance")
        assert "It does not close" in text
        assert "1 day does not add up: 3 recipients are missing in all." in text
        assert (await samples(client))["sendtrace_balance_difference", ()] == 3


# --- for machines ----------------------------------------------------------------------------


async def test_alive(desk: Desk) -> None:
    response = await desk.client().get("/healthz")
    assert (response.status, await response.json()) == (200, {"alive": True})


async def open_lease(desk: Desk) -> None:
    """Let a worker be there for a minute."""
    await desk.ledger.open_lease(NODE, 0, desk.clock.now(), timedelta(minutes=1))


async def test_ready(desk: Desk) -> None:
    await open_lease(desk)
    response = await desk.client().get("/readyz")
    assert response.status == 200
    found = await response.json()
    assert found == {
        "ready": True,
        "draining": False,
        "ledger": True,
        "workers": True,
        "disk": True,
        "unread_failures": 0,
    }


async def test_what_room_is_missing_is_told_on_this_machine(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """How much, where, and what to do: nothing that a stranger gets to know."""
    monkeypatch.setattr(readiness, "LEAST_FREE", 1 << 60)
    async with open_desk(tmp_path) as desk:
        await open_lease(desk)
        response = await desk.client().get("/readyz")
        assert response.status == 503
        found = await response.json()
        assert found["disk"] is False
        (missing,) = found["missing"]
        directory = desk.settings.state_directory.absolute()
        lacks = rf"the disk of {directory} has \d+ bytes free where {1 << 60} are needed"
        assert re.match(f"{lacks}; delete or move", missing)
        through_a_proxy = await desk.client().get("/readyz", headers={"Via": "1.1 balancer"})
        assert "missing" not in await through_a_proxy.json()


async def test_not_ready_before_there_are_workers_nor_after_their_leases(tmp_path: Path) -> None:
    async with open_desk(tmp_path) as desk:
        client = desk.client()
        assert (await client.get("/readyz")).status == 503
        await open_lease(desk)
        desk.clock.advance(timedelta(seconds=1))
        assert (await client.get("/readyz")).status == 200
        desk.clock.advance(timedelta(minutes=1))
        response = await client.get("/readyz")
        assert response.status == 503
        assert (await response.json())["workers"] is False


async def test_workers_of_other_nodes_do_not_make_this_one_ready(tmp_path: Path) -> None:
    async with open_desk(tmp_path) as desk:
        await desk.ledger.open_lease("mail-2", 0, desk.clock.now(), timedelta(minutes=1))
        response = await desk.client().get("/readyz")
        assert response.status == 503
        assert (await response.json())["workers"] is False


async def test_not_ready_when_the_ledger_takes_no_writes(tmp_path: Path) -> None:
    async with open_desk(tmp_path) as desk:
        client = desk.client()
        await open_lease(desk)
        assert (await client.get("/readyz")).status == 200
        await desk.ledger.close()
        assert (await client.get("/readyz")).status == 200, "the answer is good for a second"
        desk.clock.advance(timedelta(seconds=1))
        response = await client.get("/readyz")
        assert response.status == 503
        found = await response.json()
        assert found == {
            "ready": False,
            "draining": False,
            "ledger": False,
            "workers": False,
            "disk": True,
        }


async def test_a_page_without_a_ledger_says_what_to_do(desk: Desk) -> None:
    client = await desk.log_in()
    await desk.ledger.close()
    response = await client.get("/overview?range=7d&zone=Europe/Berlin")
    assert response.status == 503
    page = await response.text()
    assert "The panel cannot answer at the moment" in page
    assert 'href="/overview?range=7d&amp;zone=Europe/Berlin">Try again</a>' in page
    sent = await client.post("/logout", data={"csrf": "x"})
    assert sent.status == 503
    assert "Try again</a>" not in await sent.text(), "a form is not sent again by a link"


Samples = dict[tuple[str, tuple[str, ...]], float]


async def samples(client: Client) -> Samples:
    """Scrape; return every value by name and labels."""
    response = await client.get("/metrics")
    assert response.status == 200
    return {
        (sample.name, tuple(sample.labels.values())): sample.value
        for family in text_string_to_metric_families(await response.text())
        for sample in family.samples
    }


async def test_metrics_of_the_ledger(desk: Desk) -> None:
    found = await samples(desk.client())
    counted = {labels[0]: value for (name, labels), value in found.items() if labels
               and name == "sendtrace_recipients"}  # fmt: skip
    assert counted == {
        "queued": 2,
        "deferred": 5,
        "held": 1,
        "delivered": 16,
        "bounced": 2,
        "expired": 1,
        "cancelled": 1,
    }
    assert found["sendtrace_balance_difference", ()] == 0
    assert found["sendtrace_oldest_due_seconds", ()] == pytest.approx(2, abs=0.1)


async def test_nothing_is_overdue_in_an_empty_ledger(empty_desk: Desk) -> None:
    assert (await samples(empty_desk.client()))["sendtrace_oldest_due_seconds", ()] == 0
    at = empty_desk.clock.now() - timedelta(minutes=2)
    await empty_desk.ledger.accept(make_submission(now=at), at, None)
    assert (await samples(empty_desk.client()))["sendtrace_oldest_due_seconds", ()] == 120


async def test_metrics_of_the_nodes(empty_desk: Desk) -> None:
    await open_lease(empty_desk)
    found = await samples(empty_desk.client())
    assert found["sendtrace_ledger_up", ()] == 1
    (node,) = [labels for name, labels in found if name == "sendtrace_node_workers"]
    assert found["sendtrace_node_workers", node] == 1
    assert found["sendtrace_node_clock_skew_seconds", node] == 0
    empty_desk.clock.advance(timedelta(minutes=1))
    assert (await samples(empty_desk.client()))["sendtrace_node_workers", node] == 0


async def test_without_the_ledger_the_counters_are_shown_all_the_same(desk: Desk) -> None:
    folder = desk.settings.state_directory / "metrics"
    folder.mkdir()
    worker = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        COUNT.format(3),
        env=os.environ | {"PROMETHEUS_MULTIPROC_DIR": str(folder)},
    )
    assert await asyncio.wait_for(worker.wait(), 60) == 0
    await desk.ledger.close()
    found = await samples(desk.client())
    assert found["sendtrace_ledger_up", ()] == 0
    assert found["sendtrace_attempts_total", ("delivered",)] == 3


COUNT = """
from prometheus_client import Counter
Counter("sendtrace_attempts", "Attempts by outcome.", ["outcome"]).labels("delivered").inc({})
"""


async def test_counters_of_the_workers_are_summed(desk: Desk) -> None:
    folder = desk.settings.state_directory / "metrics"
    folder.mkdir()
    for amount in (3, 4):
        worker = await asyncio.create_subprocess_exec(
            sys.executable,
            "-c",
            COUNT.format(amount),
            env=os.environ | {"PROMETHEUS_MULTIPROC_DIR": str(folder)},
        )
        assert await asyncio.wait_for(worker.wait(), 60) == 0
    found = await samples(desk.client())
    assert found["sendtrace_attempts_total", ("delivered",)] == 7


@pytest.mark.parametrize(
    "headers",
    [
        {"X-Forwarded-For": "127.0.0.1"},
        {"X-Forwarded-For": "203.0.113.5"},
        {"Forwarded": "for=127.0.0.1"},
        {"X-Real-IP": "127.0.0.1"},
    ],
    ids=["forwarded for here", "forwarded for afar", "RFC 7239", "real ip"],
)
async def test_metrics_are_not_for_those_behind_a_proxy(
    tmp_path: Path, headers: dict[str, str]
) -> None:
    trusting = PanelSettings(trusted_proxies=("127.0.0.0/8",))
    async with open_desk(tmp_path, panel=trusting) as desk:
        response = await desk.client().get("/metrics", headers=headers)
        assert response.status == 404
