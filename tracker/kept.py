"""What of a subject is stored, and the words that stand where something is not kept.

The words lie in the columns themselves, so that whatever shows a record says the same: nothing
that was there once is shown as empty.
"""

from collections.abc import Callable, Mapping
from hashlib import blake2b
from typing import Final, assert_never

from config.settings import SubjectPolicy, TrackingSettings

NO_LONGER_KEPT: Final = "[no longer kept]"
"""Stands for what has reached its age."""
ERASED: Final = "[erased]"
"""Stands for what was erased because somebody asked for it."""
NOT_KEPT: Final = "[not kept]"
"""Stands for what is never stored."""
_FIRST: Final = 40

KeepSubject = Callable[[str | None, str], str]
"""Takes an account and a subject, returns what is stored of it."""


def keyed_hash(key: bytes, purpose: str, text: str) -> str:
    """Return what stands for `text`: the same for the same, and nobody without the key can tell.

    `purpose` keeps hashes of different kinds apart.
    """
    octets = text.encode("utf-8", "surrogatepass")
    person = purpose.encode()[: blake2b.PERSON_SIZE]
    return blake2b(
        octets, digest_size=16, key=key[: blake2b.MAX_KEY_SIZE], person=person
    ).hexdigest()


def hashed_subject(key: bytes, subject: str) -> str:
    """Return what is stored of a subject under "hash"; it can be searched for.

    Case and spaces make no difference, as they make none to who searches.
    """
    return f"hash:{keyed_hash(key, 'subject', ' '.join(subject.split()).casefold())}"


def kept_subject(policy: SubjectPolicy, subject: str, key: bytes) -> str:
    """Return what is stored of a subject; an empty one is stored as what it is."""
    if not subject:
        return subject
    match policy:
        case "full":
            return subject
        case "first-40":
            return subject if len(subject) <= _FIRST else f"{subject[:_FIRST]}\u2026"
        case "hash":
            return hashed_subject(key, subject)
        case "none":
            return NOT_KEPT
    assert_never(policy)


def subject_keeper(tracking: TrackingSettings, key: Callable[[], bytes]) -> KeepSubject | None:
    """Return what to do with subjects; None when all are stored as they are.

    `key` is asked for only where a subject is hashed.
    """
    policies: Mapping[str, SubjectPolicy] = {
        one.domain: one.subject for one in tracking.domains if one.subject is not None
    }
    used = {tracking.subject, *policies.values()}
    if used == {"full"}:
        return None
    secret = key() if "hash" in used else b""

    def keep(account: str | None, subject: str) -> str:
        domain = (account or "").rpartition("@")[2]
        return kept_subject(policies.get(domain, tracking.subject), subject, secret)

    return keep
