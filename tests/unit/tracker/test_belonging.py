"""What root makes before the service runs is the service's to use."""

import os
from pathlib import Path

import pytest

from config.settings import Settings, StoreSettings, TrackingSettings
from tracker.opening import migrate, open_ledger
from tracker.proof import SealUnfit, key_path, open_seal
from tracker.secret import open_key
from tracker.store import StoreError

SERVICE = 65534
"""An account that is nobody's here."""

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root makes files for others")


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """Return a directory of the service."""
    directory = tmp_path / "sendtrace"
    directory.mkdir(mode=0o700)
    os.chown(directory, SERVICE, SERVICE)
    return directory


def owners(directory: Path) -> dict[str, tuple[int, int]]:
    """Return whose everything below `directory` is."""
    return {path.name: (path.stat().st_uid, path.stat().st_gid) for path in directory.rglob("*")}


@as_root
async def test_a_ledger_and_what_lies_beside_it(home: Path) -> None:
    store = StoreSettings(url=f"sqlite:{home}/data/ledger.db")
    await migrate(store)
    ledger = await open_ledger(store)
    await ledger.ping()
    async with ledger.alone("tidying") as is_ours:
        assert is_ours
        found = owners(home)
    await ledger.close()
    assert {"data", "ledger.db", "ledger.db.turn", "ledger.db-wal"} <= found.keys()
    assert set(found.values()) == {(SERVICE, SERVICE)}


@as_root
def test_the_keys_of_the_state_directory(home: Path) -> None:
    settings = Settings(state_directory=home / "state")
    open_key(settings)
    open_seal(key_path(settings))
    assert owners(home).keys() == {"state", "pseudonyms.key", "handover.key"}
    assert set(owners(home).values()) == {(SERVICE, SERVICE)}


@as_root
def test_what_the_service_has_given_to_somebody_else_stays_theirs(home: Path) -> None:
    key = home / "handover.key"
    open_seal(key)
    os.chown(key, SERVICE - 1, SERVICE - 1)
    open_seal(key)
    assert owners(home) == {"handover.key": (SERVICE - 1, SERVICE - 1)}


@as_root
async def test_a_link_is_not_followed(home: Path, tmp_path: Path) -> None:
    """The service could put a link to anything where root is about to make a file."""
    secret = tmp_path / "shadow"
    secret.write_text("of root")
    (home / "ledger.db.turn").symlink_to(secret)
    with pytest.raises(StoreError, match=r"ledger\.db"):
        await migrate(StoreSettings(url=f"sqlite:{home}/ledger.db"))
    assert owners(tmp_path)["shadow"] == (0, 0)


@as_root
async def test_a_lock_that_root_once_made_stays_roots(home: Path) -> None:
    (home / "ledger.db.turn").touch()
    await migrate(StoreSettings(url=f"sqlite:{home}/ledger.db"))
    assert owners(home)["ledger.db.turn"] == (0, 0)


def test_a_key_that_cannot_be_made_is_named_with_the_reason(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    settings = Settings(tracking=TrackingSettings(handover_key=tmp_path / "file" / "key"))
    with pytest.raises(SealUnfit, match=r"/file/key: (Not a directory|File exists); the account"):
        open_seal(key_path(settings))
