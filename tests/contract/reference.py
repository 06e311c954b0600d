"""What a search must find, said once more in plain Python."""

from collections.abc import Callable, Iterable, Sequence

import msgspec

from tracker import states
from tracker.model import Attempt, Message, Recipient, Scope, Status, is_id
from tracker.search import Field, Query, Term


class Record(msgspec.Struct, frozen=True, kw_only=True):
    """One recipient with all that a search may look at."""

    recipient: Recipient
    message: Message
    attempts: tuple[Attempt, ...]


def is_visible(record: Record, scope: Scope) -> bool:
    account = record.message.account
    if scope.account is not None and account != scope.account:
        return False
    return scope.domain is None or (account or "").rpartition("@")[2] == scope.domain


def matches(record: Record, query: Query) -> bool:
    accepted_at = record.message.accepted_at
    if query.since is not None and accepted_at < query.since:
        return False
    if query.until is not None and accepted_at >= query.until:
        return False
    return all(_TERMS[term.field](record, term) != term.negated for term in query.terms)


def find(records: Iterable[Record], query: Query, scope: Scope) -> list[str]:
    """Return the recipient ids of a search, newest first."""
    found = (each for each in records if is_visible(each, scope) and matches(each, query))
    return sorted((each.recipient.id for each in found), reverse=True)


def _text(term: Term, *texts: str | None) -> bool:
    value = term.value.lower()
    present = [text.lower() for text in texts if text is not None]
    return value in present if term.exact else any(value in text for text in present)


def _to(record: Record, term: Term) -> bool:
    path = record.recipient.forward_path
    if term.value.startswith("@"):
        domain = term.value[1:].lower()
        return record.recipient.domain == domain or path.lower().endswith("@" + domain)
    return _text(term, path)


def _from(record: Record, term: Term) -> bool:
    path, header = record.message.reverse_path, record.message.header.header_from
    if term.value.startswith("@"):
        value = term.value.lower()
        ends = (path.lower().endswith(value), header.lower().endswith(value))
        return any(ends) or value + ">" in header.lower()
    return _text(term, path, header)


def _id(record: Record, term: Term) -> bool:
    ours = term.value.upper()
    if is_id(ours):
        return ours in (record.recipient.id, record.message.id)
    bare = msgspec.structs.replace(term, value=term.value.removeprefix("<").removesuffix(">"))
    return _text(bare, record.message.header.message_id) or _text(term, *_queue_ids(record))


def _any(record: Record, term: Term) -> bool:
    message = record.message
    return _text(
        term,
        record.recipient.forward_path,
        message.reverse_path,
        message.header.subject,
        message.id,
        message.header.message_id,
        *_queue_ids(record),
    )


def _queue_ids(record: Record) -> Sequence[str | None]:
    return [attempt.remote_queue_id for attempt in record.attempts]


def _status(record: Record, term: Term) -> bool:
    status, word = record.recipient.status, term.value.lower()
    if word == "accepted":
        return status is Status.DELIVERED
    if word == "waiting":
        return status in states.OPEN
    if word == "temporary":
        tried = status is Status.DEFERRED or record.recipient.attempts > 0
        return status in states.OPEN and tried
    if word == "permanent":
        return status in (Status.BOUNCED, Status.EXPIRED)
    return status == word


def _ip(record: Record, term: Term) -> bool:
    targets = [attempt.target.address for attempt in record.attempts if attempt.target]
    return _text(term, record.message.client.address, *targets)


def _code(record: Record, term: Term) -> bool:
    replies = [attempt.reply for attempt in record.attempts if attempt.reply]
    if "." not in term.value:
        codes = [str(reply.code) for reply in replies]
        return any(term.value == c if term.exact else c.startswith(term.value) for c in codes)
    enhanced = [reply.enhanced_status_code or "" for reply in replies]
    if term.exact:
        return term.value in enhanced
    begins = term.value.removesuffix(".") + "."
    return any(code == term.value or code.startswith(begins) for code in enhanced)


def _of_attempts(select: Callable[[Attempt], str | None]) -> Callable[[Record, Term], bool]:
    return lambda record, term: _text(term, *map(select, record.attempts))


_TERMS: dict[Field, Callable[[Record, Term], bool]] = {
    Field.ANY: _any,
    Field.TO: _to,
    Field.FROM: _from,
    Field.SUBJECT: lambda record, term: _text(term, record.message.header.subject),
    Field.ID: _id,
    Field.STATUS: _status,
    Field.MX: _of_attempts(lambda attempt: attempt.target.host if attempt.target else None),
    Field.IP: _ip,
    Field.CODE: _code,
    Field.TEXT: _of_attempts(lambda attempt: attempt.reply.text if attempt.reply else None),
    Field.ACCOUNT: lambda record, term: _text(term, record.message.account),
}
