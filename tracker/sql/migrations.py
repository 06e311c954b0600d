"""Numbered migrations, each applied once and in order: what is the same for every database.

The ledger keeps the checksum of what was applied, so that a file that was edited afterwards is
noticed before two ledgers drift apart.
"""

import hashlib
from collections.abc import Mapping, Sequence
from importlib import resources
from typing import NamedTuple

from tracker.store import SchemaTooNew, StoreError


class Migration(NamedTuple):
    """One step of the schema."""

    number: int
    name: str
    sql: str

    @property
    def checksum(self) -> str:
        """SHA-256 of the SQL."""
        return hashlib.sha256(self.sql.encode()).hexdigest()


def shipped(package: str) -> tuple[Migration, ...]:
    """Return the migrations in the folder `migrations` of `package`, in order."""
    found = []
    for file in resources.files(package).joinpath("migrations").iterdir():
        if file.name.endswith(".sql"):
            name = file.name.removesuffix(".sql")
            number = int(name.partition("_")[0])
            found.append(Migration(number, name, file.read_text("utf-8")))
    return tuple(sorted(found))


def missing(applied: Mapping[int, str], migrations: Sequence[Migration]) -> list[Migration]:
    """Return those of `migrations` that are still to be applied; `applied` has checksums.

    Raises SchemaTooNew when one was applied that is not among `migrations`, StoreError when one
    differs from what was applied.
    """
    newer = applied.keys() - {migration.number for migration in migrations}
    if newer:
        raise SchemaTooNew(
            f"it was written by a newer version (it has migration {max(newer)}); "
            "run that version, or a newer one"
        )
    for migration in migrations:
        if applied.get(migration.number, migration.checksum) != migration.checksum:
            raise StoreError(
                f"it was made with another migration {migration.name} than this version has; "
                "run the version that made it"
            )
    return [migration for migration in migrations if migration.number not in applied]
