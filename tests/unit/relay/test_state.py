"""The state directory: what is in the way is said, not thrown."""

import os
from pathlib import Path

import pytest

from relay.state import CannotStart, begin_counting, hold_state_directory, other_owner


def test_one_relay_at_a_time(tmp_path: Path) -> None:
    with (
        hold_state_directory(tmp_path / "state"),
        pytest.raises(CannotStart, match="another relay is running"),
        hold_state_directory(tmp_path / "state"),
    ):
        pass
    with hold_state_directory(tmp_path / "state") as state:
        assert state.is_dir()


def test_no_place_for_the_counters_is_a_reason_not_to_start(tmp_path: Path) -> None:
    (tmp_path / "metrics").write_text("in the way", encoding="utf-8")
    with pytest.raises(CannotStart, match="metrics: File exists"):
        begin_counting(tmp_path)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gets into the directories of others")
def test_whose_directory_root_serves_in(tmp_path: Path) -> None:
    state = tmp_path / "state"
    state.mkdir()
    assert other_owner(state) is None
    os.chown(state, 65534, 65534)
    assert other_owner(state) == "nobody"
    os.chown(state, 4321, 4321)
    assert other_owner(state) == "account 4321"
