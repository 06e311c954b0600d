"""Prometheus metrics: the workers' counters, and what the ledger says at this moment."""

import asyncio
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta
from importlib.metadata import version
from pathlib import Path
from typing import Final

from aiohttp import web
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily, InfoMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector

from tracker.model import Census, Scope, Status
from tracker.nodes import nodes_of
from tracker.states import OPEN
from tracker.store import Ledger, StoreError
from tracker.views import Balance
from web.client import comes_from
from web.panel import Visit
from web.track.filters import OPEN_QUERY
from web.unread import RECENT

_CAP: Final = 1_000_000
"""Open recipients of a status that are counted; above it the gauge stands still."""


_MOST_MISSING: Final = 100_000
"""Recipients that are counted which the index of text does not have."""


# It has no types of its own.
_merge: Callable[[list[str]], Iterable[Metric]] = MultiProcessCollector.merge


class _Snapshot(Collector):
    """Gauges that were worked out for one scrape."""

    def __init__(self, metrics: Iterable[Metric]) -> None:
        self._metrics = tuple(metrics)

    def collect(self) -> Iterable[Metric]:
        return self._metrics


class _Workers(Collector):
    """The counters of the worker processes, summed."""

    def __init__(self, folder: Path) -> None:
        self._files = [str(file) for file in folder.glob("*.db")]

    def collect(self) -> Iterable[Metric]:
        return _merge(self._files)


def gauges(
    balance: Iterable[Balance],
    open_counts: Mapping[Status, int],
    next_due: datetime | None,
    now: datetime,
) -> tuple[Metric, ...]:
    """Return what the ledger says as metrics; what was not counted to the end is none. Pure."""
    days = tuple(balance)
    recipients = GaugeMetricFamily(
        "sendtrace_recipients", "Recipients on record by status.", labels=["status"]
    )
    counted = {
        Status.DELIVERED: sum(day.delivered for day in days),
        Status.BOUNCED: sum(day.bounced for day in days),
        Status.EXPIRED: sum(day.expired for day in days),
        Status.CANCELLED: sum(day.cancelled for day in days),
        **{status: min(open_counts[status], _CAP) for status in OPEN if status in open_counts},
    }
    for status, number in counted.items():
        recipients.add_metric([status.value], number)
    overdue = timedelta(0) if next_due is None else max(timedelta(0), now - next_due)
    return (
        recipients,
        GaugeMetricFamily(
            "sendtrace_balance_difference",
            "Accepted recipients that are neither final nor open; not 0 is a fault.",
            value=sum(abs(day.difference) for day in days),
        ),
        GaugeMetricFamily(
            "sendtrace_oldest_due_seconds",
            "For how long the recipient that is due the longest has been due.",
            value=overdue.total_seconds(),
        ),
        InfoMetricFamily("sendtrace", "This software.", value={"version": version("sendtrace")}),
    )


def node_gauges(census: Census) -> tuple[Metric, ...]:
    """Return what is known of the nodes that share the ledger as metrics. Pure."""
    nodes = nodes_of(census)
    workers = GaugeMetricFamily(
        "sendtrace_node_workers", "Workers of a node whose lease has not run out.", labels=["node"]
    )
    skew = GaugeMetricFamily(
        "sendtrace_node_clock_skew_seconds",
        "By how much a node's clock is ahead of the ledger's.",
        labels=["node"],
    )
    for node in nodes:
        workers.add_metric([node.name], node.workers)
        skew.add_metric([node.name], node.skew.total_seconds())
    return workers, skew


def ledger_gauge(*, answers: bool) -> Metric:
    """Return whether the ledger answers as a metric. Pure."""
    return GaugeMetricFamily(
        "sendtrace_ledger_up", "1 when the ledger answers, else 0.", value=int(answers)
    )


def inbox_gauge(unread: int) -> Metric:
    """Return how much of the operator's inbox nobody has read as a metric. Pure."""
    return GaugeMetricFamily(
        "sendtrace_operator_inbox_unread",
        "Kinds of failures on our side that came up since somebody looked.",
        value=unread,
    )


def text_gauge(missing: int) -> Metric:
    """Return how far the index of text is behind as a metric. Pure."""
    return GaugeMetricFamily(
        "sendtrace_text_index_missing",
        f"Recipients that the index of text does not have yet, {_MOST_MISSING} at most.",
        value=missing,
    )


async def _read_ledger(ledger: Ledger, now: datetime, kept: timedelta) -> tuple[Metric, ...]:
    """Ask the ledger; without it the counters of the processes are shown all the same."""
    try:
        balance, counts, due, census, unread, missing = await asyncio.gather(
            ledger.balance(now - kept),
            ledger.summarize(OPEN_QUERY, Scope(), cap=_CAP),
            ledger.next_due(),
            ledger.census(now),
            ledger.unread_troubles(now - RECENT),
            ledger.text_missing(_MOST_MISSING),
        )
    except StoreError:
        return (ledger_gauge(answers=False),)
    return (
        ledger_gauge(answers=True),
        *gauges(balance, {s: n for s, n in counts.items() if s not in counts.cut}, due, now),
        *node_gauges(census),
        inbox_gauge(unread),
        text_gauge(missing),
    )


def _expose(folder: Path, snapshot: _Snapshot) -> bytes:
    """Sum the workers' files in `folder` and write everything down; it reads from the disk."""
    registry = CollectorRegistry()
    registry.register(snapshot)
    if folder.is_dir():
        registry.register(_Workers(folder))
    return generate_latest(registry)


async def show_metrics(visit: Visit) -> web.StreamResponse:
    """Answer to this machine and `panel.metrics_networks`; for others there is no such page."""
    settings = visit.panel.settings
    if not comes_from(visit.request, settings.panel.metrics_networks):
        raise web.HTTPNotFound
    metrics = await _read_ledger(visit.panel.ledger, visit.now, settings.tracking.retention)
    text = await asyncio.to_thread(
        _expose, settings.state_directory / "metrics", _Snapshot(metrics)
    )
    return web.Response(body=text, headers={"Content-Type": CONTENT_TYPE_LATEST})
