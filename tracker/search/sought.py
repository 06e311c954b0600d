"""What a search may be for, and which fields of the grammar it has not."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final, NamedTuple

from tracker.search.query import Field


class Sought(NamedTuple):
    """A kind of thing that is on record."""

    name: str
    lacks: Mapping[Field, str]
    """The fields that it has not, each in words: to ask for one is an error that says so."""


MAIL: Final = Sought("mail", MappingProxyType({}))
"""Recipients of messages that were taken."""

NOT_TAKEN: Final = Sought(
    "a submission that was not taken",
    MappingProxyType(
        {
            Field.SUBJECT: "subject",
            Field.ID: "id",
            Field.STATUS: "status",
            Field.MX: "server that it was sent to",
            Field.CATEGORY: "category",
            Field.SIDE: "side that is at fault",
            Field.SIZE: "size",
            Field.TLS: "delivery that could be encrypted",
            Field.ATTEMPTS: "attempts",
        }
    ),
)
"""What this relay refused at once."""
