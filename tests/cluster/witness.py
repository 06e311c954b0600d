"""What three witnesses say of the same mail: the clients, the ledger and the sink.

Every message that was acknowledged is delivered or bounced, every one that was refused is nowhere,
and every copy too many has an attempt on record of which the outcome is uncertain.
"""

from collections import Counter, defaultdict
from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from tests.cluster.cluster import Cluster
from tests.cluster.database import DATABASE
from tests.cluster.load import SENDER, Answer, Load
from tests.cluster.sink import UNKNOWN, key_of_report
from tests.contract.integrity import check_postgres
from tracker.model import MessageId, Outcome, Scope, Status
from tracker.postgres import PostgresLedger
from tracker.search import parse
from tracker.views import Row, Timeline


@dataclass
class Evidence:
    """What the ledger has of one load."""

    rows: dict[str, list[Row]] = field(default_factory=lambda: defaultdict(list))
    """By token."""
    ids: dict[str, str] = field(default_factory=dict)
    """Of the recipients of which there is a copy too many, by the key of the sink."""
    attempts: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    """At them, in words."""
    doubts: Counter[str] = field(default_factory=Counter)
    """How many attempts at them have an outcome that nobody knew."""
    differences: list[int] = field(default_factory=list)
    """Of the balance of every day."""


@dataclass(frozen=True)
class Verdict:
    """Figures of one load; all that must hold has been asserted."""

    ok: int
    refused: int
    unknown: int
    extra: dict[str, int]
    """Copies too many by forward-path (or key of a DSN)."""
    slowest: float
    """Seconds that a client waited for its refusal."""

    def __str__(self) -> str:
        return (
            f"{self.ok} ok, {self.refused} refused, {self.unknown} unknown, 0 lost, "
            f"{sum(self.extra.values())} duplicates, slowest refusal {self.slowest:.1f} s"
        )


def judge(cluster: Cluster, load: Load, *, held: Collection[str] | None = None) -> Verdict:
    """Compare what is known of `load`, which has been stopped; wait until all of it is over.

    `held`: the recipients that were in the hands of whom the fault struck; nobody else may get a
    copy too many.
    """
    load.stop()
    cluster.wait_until_drained(load)
    evidence = cluster.background.call(_gather(cluster, load))
    _check_acknowledged(cluster, load, evidence)
    _check_refused(cluster, load, evidence)
    extra = _copies_too_many(cluster, load)
    _check_copies(extra, evidence, held)
    assert not any(evidence.differences), "the balance does not close"
    check_postgres(cluster.database.primary, DATABASE)
    refusals = [each.ended - each.begun for each in load.of(Answer.REFUSED)]
    return Verdict(
        ok=load.count(Answer.OK),
        refused=len(refusals),
        unknown=load.count(Answer.UNKNOWN),
        extra=dict(extra),
        slowest=max(refusals, default=0.0),
    )


async def _gather(cluster: Cluster, load: Load) -> Evidence:
    ledger = await cluster.open_ledger()
    try:
        evidence = Evidence()
        for row in await _search(ledger, f"subject:{load.run}-"):
            evidence.rows[row.message.header.subject or ""].append(row)
        extra = _copies_too_many(cluster, load)
        tokens = {_token_of(key) for key in extra}
        suspects = {row.message.id for token in tokens for row in evidence.rows[token]}
        for id_ in suspects:
            _note_doubts(evidence, await ledger.timeline(id_, Scope()))
        if any(key.startswith("dsn:") for key in extra):
            await _note_doubts_of_reports(ledger, evidence, suspects)
        days = await ledger.balance(datetime.now(UTC) - timedelta(days=1))
        evidence.differences = [day.difference for day in days]
        return evidence
    finally:
        await ledger.close()


def _note_doubts(evidence: Evidence, timeline: Timeline | None, about: str | None = None) -> None:
    """Count the attempts of a message; with `about` it is the DSN about that forward-path."""
    assert timeline is not None
    keys = {
        each.id: key_of_report(about) if about else each.forward_path
        for each in timeline.recipients
    }
    evidence.ids |= {key: id_ for id_, key in keys.items()}
    for attempt in timeline.attempts:
        key = keys[attempt.recipient_id]
        evidence.doubts[key] += attempt.outcome is Outcome.UNCERTAIN
        evidence.attempts[key].append(f"{attempt.ended_at:%T.%f} {attempt.node} {attempt.outcome}")


async def _note_doubts_of_reports(
    ledger: PostgresLedger, evidence: Evidence, suspects: Collection[MessageId]
) -> None:
    bounced = {
        row.message.id: row.recipient.forward_path
        for rows in evidence.rows.values()
        for row in rows
        if row.message.id in suspects and row.recipient.status is Status.BOUNCED
    }
    for row in await _search(ledger, f"to:{SENDER}"):
        about = bounced.get(row.message.reports_on) if row.message.reports_on else None
        if about is not None:
            timeline = await ledger.timeline(row.message.id, Scope())
            _note_doubts(evidence, timeline, about)


async def _search(ledger: PostgresLedger, words: str) -> list[Row]:
    query = parse(words, now=datetime.now(UTC), zone=ZoneInfo("UTC"))
    rows: list[Row] = []
    before = None
    while True:
        page = await ledger.search(query, Scope(), limit=500, before=before)
        rows += page.rows
        before = page.older
        if before is None:
            return rows


def _check_acknowledged(cluster: Cluster, load: Load, evidence: Evidence) -> None:
    lost = []
    for said in load.of(Answer.OK):
        statuses = {
            row.recipient.forward_path: row.recipient.status for row in evidence.rows[said.token]
        }
        for recipient in said.recipients:
            expected, key = Status.DELIVERED, recipient
            if recipient.startswith(UNKNOWN):
                expected, key = Status.BOUNCED, key_of_report(recipient)
            if statuses.get(recipient) is not expected or not cluster.sink.copies[key]:
                lost.append((recipient, statuses.get(recipient), cluster.sink.copies[key]))
    assert lost == [], f"{len(lost)} acknowledged recipients are lost: {lost[:5]}"


def _check_refused(cluster: Cluster, load: Load, evidence: Evidence) -> None:
    refused = list(load.of(Answer.REFUSED))
    permanent = [said for said in refused if said.reply and not said.reply.startswith("4")]
    assert permanent == [], "refused for good, because of a fault of ours"
    kept = [
        said
        for said in refused
        if evidence.rows[said.token] or any(cluster.sink.copies[r] for r in said.recipients)
    ]
    assert kept == [], f"{len(kept)} refused messages were kept all the same"


def _copies_too_many(cluster: Cluster, load: Load) -> Counter[str]:
    return Counter(
        {
            key: copies - 1
            for key, copies in tuple(cluster.sink.copies.items())
            if copies > 1 and f"{load.run}-" in key
        }
    )


def _check_copies(extra: Counter[str], evidence: Evidence, held: Collection[str] | None) -> None:
    """Check that every copy too many has an attempt whose outcome nobody knew."""
    unexplained = {
        key: (number, evidence.doubts[key])
        for key, number in extra.items()
        if number > evidence.doubts[key]
    }
    assert unexplained == {}, "copies too many, and attempts on record that may explain them"
    if held is not None:
        others = {key: evidence.attempts[key] for key in extra if evidence.ids[key] not in held}
        assert others == {}, (
            f"copies of what the fault did not strike, and their attempts: {others}"
        )


def _token_of(key: str) -> str:
    """Return the token in a forward-path, or in the key of a DSN."""
    local = key.removeprefix("dsn:").removeprefix(UNKNOWN).partition("@")[0]
    return local.removesuffix("-a").removesuffix("-b")
