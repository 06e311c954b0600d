"""What a reload changes, and what only a restart can."""

from datetime import timedelta
from pathlib import Path

import pytest

from config.changes import changed_keys, keys_that_need_a_restart
from config.settings import (
    DeliverySettings,
    Listener,
    Settings,
    StoreSettings,
    SubmissionSettings,
)

FILE = Settings(store=StoreSettings(url="sqlite:./ledger.db"))
SERVER = Settings(store=StoreSettings(url="postgresql://a@db1:5432,db2/mail?sslmode=require"))


def stored(url: str) -> Settings:
    return Settings(store=StoreSettings(url=url))


@pytest.mark.parametrize(
    ("before", "after", "keys"),
    [
        (FILE, FILE, ()),
        (FILE, stored("sqlite:./other.db"), ("store.url",)),
        (FILE, stored(f"sqlite://{Path.cwd()}/ledger.db"), ()),
        (FILE, SERVER, ("store.url",)),
        (SERVER, stored("postgresql://b:secret@db3/mail"), ()),
        (SERVER, stored("postgresql://a@db1/post"), ("store.url",)),
        (
            FILE,
            Settings(state_directory=Path("elsewhere"), store=StoreSettings(url="sqlite:./b.db")),
            ("state_directory", "store.url"),
        ),
        (FILE, Settings(hostname="mx.example.org", store=FILE.store), ()),
    ],
)
def test_where_the_mail_is_needs_a_restart(
    before: Settings, after: Settings, keys: tuple[str, ...]
) -> None:
    assert keys_that_need_a_restart(before, after) == keys


def test_every_key_that_differs_is_named() -> None:
    after = Settings(
        shutdown_grace=timedelta(seconds=7),
        delivery=DeliverySettings(port=26, source_address="192.0.2.1"),
        submission=SubmissionSettings(listeners=(Listener(address="127.0.0.1:26"),)),
    )
    expected = (
        "delivery.port",
        "delivery.source_address",
        "shutdown_grace",
        "submission.listeners",
    )
    assert changed_keys(Settings(), after) == expected
    assert changed_keys(after, Settings()) == expected
