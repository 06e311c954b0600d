"""The oldest and the newest PostgreSQL at hand keep the same promises.

Everything else is tested with the version in between.
"""

from collections.abc import Iterator

import pytest

from tests.acceptance import system
from tests.conftest import make_template
from tests.contract.conftest import NewLocator, Opener, name_databases
from tests.contract.ledger import Ledger
from tests.contract.test_acts import (
    test_acts_stay_within_their_scope,
    test_retry_now_ends_the_back_off,
)
from tests.contract.test_chores import test_a_chore_is_held_by_one_at_a_time
from tests.contract.test_claiming import test_a_probe_that_fails_sets_the_next_one
from tests.contract.test_leases import (
    test_recover_records_the_doubtful_as_uncertain,
    test_renewing_says_what_is_carried_and_who_else_holds,
)
from tests.contract.test_looking import test_a_timeline_tells_everything_in_order
from tests.contract.test_moving import (
    test_a_claimed_job_is_what_was_accepted,
    test_a_dsn_enters_the_queue_with_the_settlement,
    test_settle_is_all_or_nothing,
    test_the_balance_follows_each_recipient,
)
from tests.contract.test_prune import (
    test_days_are_pruned_whole_and_end_at_midnight_utc,
    test_prune_goes_in_small_steps_and_passes_what_is_open,
)
from tests.support.clock import START
from tests.support.postgres import Installation, Server, distribution, installation, running

__all__ = [
    "test_a_chore_is_held_by_one_at_a_time",
    "test_a_claimed_job_is_what_was_accepted",
    "test_a_dsn_enters_the_queue_with_the_settlement",
    "test_a_probe_that_fails_sets_the_next_one",
    "test_a_timeline_tells_everything_in_order",
    "test_acts_stay_within_their_scope",
    "test_days_are_pruned_whole_and_end_at_midnight_utc",
    "test_prune_goes_in_small_steps_and_passes_what_is_open",
    "test_recover_records_the_doubtful_as_uncertain",
    "test_renewing_says_what_is_carried_and_who_else_holds",
    "test_retry_now_ends_the_back_off",
    "test_settle_is_all_or_nothing",
    "test_the_balance_follows_each_recipient",
]


@pytest.fixture(scope="module", params=["the distribution's", "18"])
def server(request: pytest.FixtureRequest) -> Iterator[Server]:
    """A server of one of the versions."""
    with running(find(request.param)) as server:
        make_template(server)
        yield server


def find(version: str) -> Installation:
    found = installation(version) if version.isdigit() else distribution()
    if found is None:
        system.go_without(f"not installed: PostgreSQL, {version} (scripts/system-packages tests)")
    return found


@pytest.fixture
def new_locator(server: Server) -> Iterator[NewLocator]:
    yield from name_databases(server)


async def test_it_is_the_version_that_was_asked_for(opener: Opener, server: Server) -> None:
    ledger = await opener()
    assert ledger.engine.startswith(f"PostgreSQL {server.installed.version}.")


async def test_it_is_tended(ledger: Ledger) -> None:
    await ledger.tend(START)
    await ledger.tend(START)
