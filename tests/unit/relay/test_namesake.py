"""Two machines with one name: said once, and never because of what is only left behind."""

from datetime import timedelta
from pathlib import Path

import pytest
from msgspec.structs import replace
from structlog.testing import capture_logs

from relay.inflight import path_of
from relay.namesake import NamesakeWatch
from tests.support.clock import START
from tracker.model import Census, Lease, LeaseToken

SECOND = timedelta(seconds=1)
OURS = Lease(
    token=LeaseToken("ours"),
    node="mail-1",
    worker=0,
    opened_at=START,
    renewed_at=START + 10 * SECOND,
    until=START + 40 * SECOND,
)
THEIRS = replace(OURS, token=LeaseToken("theirs"), opened_at=START - 60 * SECOND)


def warnings(watch: NamesakeWatch, *leases: Lease) -> list[str]:
    """Return the names that are warned of when a census is seen twice."""
    census = Census(now=START + 11 * SECOND, leases=leases)
    with capture_logs() as logged:
        for _ in range(2):
            watch.see(census, OURS.token)
    return [line["node"] for line in logged]


def test_a_namesake_is_mentioned_once(tmp_path: Path) -> None:
    assert warnings(NamesakeWatch(tmp_path), OURS, THEIRS) == ["mail-1"]


@pytest.mark.parametrize(
    "other",
    [
        pytest.param(replace(THEIRS, node="mail-2"), id="another name"),
        pytest.param(replace(THEIRS, renewed_at=START - SECOND), id="left by a dead worker"),
        pytest.param(
            replace(THEIRS, opened_at=START + SECOND, renewed_at=START + SECOND), id="just begun"
        ),
        pytest.param(replace(THEIRS, until=START + 11 * SECOND), id="run out"),
    ],
)
def test_what_is_no_namesake_is_not_mentioned(tmp_path: Path, other: Lease) -> None:
    assert warnings(NamesakeWatch(tmp_path), OURS, other) == []


def test_without_a_lease_of_our_own_nobody_is_compared(tmp_path: Path) -> None:
    assert warnings(NamesakeWatch(tmp_path), THEIRS) == []


def test_other_workers_of_this_machine_are_no_namesakes(tmp_path: Path) -> None:
    path_of(tmp_path, THEIRS.token).touch()
    assert warnings(NamesakeWatch(tmp_path), OURS, THEIRS) == []
