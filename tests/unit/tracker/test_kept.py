"""What of a subject is stored, and when which part of a record goes."""

from datetime import timedelta
from pathlib import Path

import pytest

from config.settings import DomainTracking, Settings, SubjectPolicy, TrackingSettings
from tracker.ages import Aging, walks_of
from tracker.kept import NOT_KEPT, hashed_subject, kept_subject, keyed_hash, subject_keeper
from tracker.secret import FILE, open_key

KEY = b"k" * 32
DAY = timedelta(days=1)
LIFETIME = 7 * DAY


@pytest.mark.parametrize(
    ("policy", "subject", "stored"),
    [
        ("full", "Quarterly figures", "Quarterly figures"),
        ("first-40", "x" * 40, "x" * 40),
        ("first-40", "x" * 41, "x" * 40 + "…"),
        ("none", "Quarterly figures", NOT_KEPT),
        ("full", "", ""),
        ("first-40", "", ""),
        ("hash", "", ""),
        ("none", "", ""),
    ],
)
def test_what_is_stored(policy: SubjectPolicy, subject: str, stored: str) -> None:
    assert kept_subject(policy, subject, KEY) == stored


def test_a_hash_is_the_same_for_the_same_subject_and_key_only() -> None:
    stored = kept_subject("hash", "Your  invoice", KEY)
    assert stored.startswith("hash:")
    assert "invoice" not in stored
    assert stored == hashed_subject(KEY, "YOUR invoice ")
    assert stored != hashed_subject(KEY, "Your invoices")
    assert stored != hashed_subject(b"another key", "Your invoice")
    assert keyed_hash(KEY, "subject", "x") != keyed_hash(KEY, "address", "x")


def test_hostile_subjects_have_a_hash_too() -> None:
    assert len({hashed_subject(KEY, text) for text in ("\udcff", "\0", "a" * 100_000)}) == 3


def test_domains_have_their_own_way() -> None:
    tracking = TrackingSettings(
        subject="first-40", domains=(DomainTracking(domain="example.com", subject="none"),)
    )
    keep = subject_keeper(tracking, lambda: pytest.fail("no key is needed"))
    assert keep is not None
    assert keep("alice@example.com", "hello") == NOT_KEPT
    assert keep("alice@example.org", "hello") == "hello"
    assert keep(None, "hello") == "hello"


def test_where_all_is_kept_there_is_nothing_to_do() -> None:
    domains = (DomainTracking(domain="example.com", client_retention=DAY),)
    assert subject_keeper(TrackingSettings(domains=domains), lambda: b"") is None


def test_the_key_is_made_once_and_is_for_us_alone(tmp_path: Path) -> None:
    settings = Settings(hostname="mail.example.org", state_directory=tmp_path / "var")
    key = open_key(settings)
    assert len(key) == 32
    assert open_key(settings) == key
    assert (tmp_path / "var" / FILE).stat().st_mode & 0o777 == 0o600
    assert [path.name for path in (tmp_path / "var").iterdir()] == [FILE]


def test_the_key_of_the_settings_comes_first(tmp_path: Path) -> None:
    settings = Settings(
        hostname="mail.example.org",
        state_directory=tmp_path,
        tracking=TrackingSettings(key="sixteen letters or more"),
    )
    assert open_key(settings) == b"sixteen letters or more"
    assert list(tmp_path.iterdir()) == []


def table(tracking: TrackingSettings) -> list[tuple[set[Aging], str, int]]:
    """Return the walks as: which parts, of which mail, after how many days."""
    return [
        (set(walk.parts), walk.name.rpartition(":")[2], walk.age // DAY)
        for walk in walks_of(tracking, LIFETIME)
    ]


@pytest.mark.parametrize(
    ("tracking", "walks"),
    [
        pytest.param(TrackingSettings(), [], id="all as long as the record"),
        pytest.param(
            TrackingSettings(subject_retention=30 * DAY, client_retention=30 * DAY),
            [({Aging.SUBJECT, Aging.CLIENT}, "*", 30)],
            id="what goes at once goes on one walk",
        ),
        pytest.param(
            TrackingSettings(client_retention=DAY, reply_retention=14 * DAY),
            [({Aging.CLIENT}, "*", 1), ({Aging.REPLIES}, "*", 14)],
            id="each at its time",
        ),
        pytest.param(
            TrackingSettings(reply_retention=DAY),
            [({Aging.REPLIES}, "*", 7)],
            id="replies as long as a report may quote them",
        ),
        pytest.param(
            TrackingSettings(
                client_retention=20 * DAY,
                domains=(
                    DomainTracking(domain="a.example", client_retention=3 * DAY),
                    DomainTracking(domain="b.example", subject="none"),
                    DomainTracking(domain="c.example", retention=10 * DAY),
                ),
            ),
            [
                ({Aging.CLIENT}, "*", 20),
                ({Aging.CLIENT}, "a.example", 3),
                ({Aging.CLIENT}, "b.example", 20),
            ],
            id="domains of their own",
        ),
    ],
)
def test_walks(tracking: TrackingSettings, walks: list[tuple[set[Aging], str, int]]) -> None:
    assert table(tracking) == walks


def test_every_account_is_on_one_walk() -> None:
    tracking = TrackingSettings(
        subject_retention=9 * DAY,
        domains=(DomainTracking(domain="a.example", subject_retention=3 * DAY),),
    )
    walks = walks_of(tracking, LIFETIME)
    for account in ("x@a.example", "x@b.example", "x@sub.a.example", None):
        assert sum(walk.concerns(account) for walk in walks) == 1
