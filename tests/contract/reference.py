"""What a search must find, said once more in plain Python."""

import contextlib
import ipaddress
import operator
import re
from collections.abc import Callable, Iterable, Sequence
from urllib.parse import unquote

import idna
import msgspec

from tracker import states
from tracker.explain import Category
from tracker.explain.meaning import meanings
from tracker.model import (
    Attempt,
    Message,
    Outcome,
    Phase,
    Recipient,
    Refusal,
    Scope,
    Status,
    Verification,
    is_id,
)
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


def find_refused(refusals: Iterable[Refusal], query: Query, scope: Scope) -> list[str]:
    """Return the ids of the refusals that match, newest first."""
    found = (each for each in refusals if _was_refused(each, query, scope))
    return sorted((each.id for each in found), reverse=True)


def _was_refused(refusal: Refusal, query: Query, scope: Scope) -> bool:
    account = refusal.account or ""
    if scope.account not in (None, refusal.account):
        return False
    if scope.domain not in (None, account.rpartition("@")[2] if refusal.account else ""):
        return False
    if query.since is not None and refusal.at < query.since:
        return False
    if query.until is not None and refusal.at >= query.until:
        return False
    return all(_of_refusal(refusal, term) != term.negated for term in query.terms)


def _of_refusal(refusal: Refusal, term: Term) -> bool:
    sender, recipient, account = refusal.reverse_path, refusal.forward_path, refusal.account
    match term.field:
        case Field.ANY:
            return _address(term, recipient, sender, account)
        case Field.TO:
            return _address(term, recipient)
        case Field.FROM:
            return _address(term, sender)
        case Field.ACCOUNT:
            return _address(term, account)
        case Field.TEXT:
            return _text(term, refusal.reply)
        case Field.IP:
            return _part_of_ip(term, refusal.client_address)
        case Field.CODE:
            code, _, rest = refusal.reply.partition(" ")
            return _has_codes(term, [code], [rest.partition(" ")[0]])
        case _:
            return False


def _address(term: Term, *addresses: str | None) -> bool:
    """Like `_name`, of addresses: `@…` is how they end."""
    if not term.value.startswith("@"):
        return _name(term, *addresses)
    value = term.value.lower()
    ends = {value} if value[1:3] != "*." else {"@" + value[3:], value[2:]}
    forms = {form.lower() for end in ends for form in _forms(end)}
    return any(each.lower().endswith(form) for each in addresses if each for form in forms)


def _text(term: Term, *texts: str | None) -> bool:
    value = term.value.lower()
    present = [text.lower() for text in texts if text is not None]
    return value in present if term.exact else any(value in text for text in present)


def _forms(text: str) -> set[str]:
    """Return `text` with its domain as written, in A-labels, and in U-labels."""
    before, at, domain = text.rpartition("@")
    labels = domain.split(".")
    ascii_labels = [_recode(label, _to_a) for label in labels]
    unicode_labels = [
        _recode(a.lower(), idna.decode) if a.lower().startswith("xn--") else label
        for label, a in zip(labels, ascii_labels, strict=True)
    ]
    return {text, *(before + at + ".".join(each) for each in (ascii_labels, unicode_labels))}


def _to_a(label: str) -> str:
    return label if label.isascii() else idna.encode(label, uts46=True).decode()


def _recode(label: str, recode: Callable[[str], str]) -> str:
    try:
        return recode(label) if len(label) < 64 else label
    except UnicodeError:
        return label


def _name(term: Term, *names: str | None) -> bool:
    """Like `_text`, of names: U-labels and A-labels are the same."""
    forms = {term.value} if len(term.value) > 500 else _forms(term.value)
    return any(_text(msgspec.structs.replace(term, value=form), *names) for form in forms)


def _is_in(domain: str, value: str) -> bool:
    """Say whether `domain`, in A-labels, is what `@…` asks for."""
    wanted = ".".join(_recode(label, _to_a) for label in value[1:].lower().split("."))
    if wanted.startswith("*."):
        return domain == wanted[2:] or domain.endswith(wanted[1:])
    return domain == wanted


def _to(record: Record, term: Term) -> bool:
    if term.value.startswith("@"):
        return _is_in(record.recipient.domain, term.value)
    return _name(term, record.recipient.forward_path)


def _from(record: Record, term: Term) -> bool:
    path, header = record.message.reverse_path, record.message.header.header_from
    if not term.value.startswith("@"):
        return _name(term, path, header)
    value = term.value.lower()
    ends = {value} if value[1:3] != "*." else {"@" + value[3:], value[2:]}
    return any(
        text.lower().endswith(form.lower()) or form.lower() + ">" in header.lower()
        for text in (path, header)
        for end in ends
        for form in _forms(end)
    )


def _id(record: Record, term: Term) -> bool:
    ours = term.value.upper()
    if is_id(ours):
        return ours in (record.recipient.id, record.message.id)
    bare = msgspec.structs.replace(term, value=term.value.removeprefix("<").removesuffix(">"))
    envid = unquote((record.message.envid or "").replace("+", "%"))
    if bare.value.lower() == envid.lower():
        return True
    return _text(bare, record.message.header.message_id) or _text(term, *_queue_ids(record))


def _any(record: Record, term: Term) -> bool:
    if term.value.startswith("@"):
        return _to(record, term) or _from(record, term)
    message = record.message
    return _name(term, record.recipient.forward_path, message.reverse_path) or _text(
        term, message.header.subject, message.id, message.header.message_id, *_queue_ids(record)
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
    if word == "uncertain":
        return bool(record.attempts) and record.attempts[-1].outcome is Outcome.UNCERTAIN
    if word == "returned":
        return record.recipient.returned_at is not None
    if word == "permanent":
        return status in (Status.BOUNCED, Status.EXPIRED)
    return status == word


def _tls(record: Record, term: Term) -> bool:
    if not record.attempts or record.attempts[-1].target is None:
        return False
    last = record.attempts[-1]
    (decided,) = (each for each in last.tries if each.target == last.target)
    if decided.tls is None:
        carried = (Phase.MAIL, Phase.RCPT, Phase.DATA, Phase.CONTENT, Phase.FINAL_DOT)
        return term.value.lower() == "none" and last.phase in carried
    verified = decided.tls.verified_by is not Verification.NONE
    return term.value.lower() == ("verified" if verified else "unverified")


UNITS = {"b": 1, "kb": 1000, "mb": 10**6, "kib": 1024}


def _size(record: Record, term: Term) -> bool:
    return _amount(record.message.size, term.value.lower(), needs_unit=True)


def _attempts(record: Record, term: Term) -> bool:
    return _amount(record.recipient.attempts, term.value, needs_unit=False)


def _amount(number: int, text: str, *, needs_unit: bool) -> bool:
    unit = "(b|kb|mb|kib)" if needs_unit else "()"
    if match := re.fullmatch(rf"([0-9]+){unit}\.\.([0-9]+){unit}", text):
        least, most = (int(n) * UNITS.get(u, 1) for n, u in (match.group(1, 2), match.group(3, 4)))
        return least <= number <= most
    match = re.fullmatch(rf"(>=|<=|>|<|=|)([0-9]+){unit}", text)
    if match is None or (needs_unit and not match[1]):
        return False
    compare = {">=": operator.ge, "<=": operator.le, ">": operator.gt, "<": operator.lt}.get(
        match[1], operator.eq
    )
    return bool(compare(number, int(match[2]) * UNITS.get(match[3], 1)))


def _category(record: Record, term: Term) -> bool:
    last = record.attempts[-1].category if record.attempts else ""
    return last != "" and last == term.value.lower()


def _side(record: Record, term: Term) -> bool:
    last = record.attempts[-1].category if record.attempts else ""
    if last in ("", Category.ACCEPTED):
        return False
    return meanings().categories[Category(last)].side == term.value.lower()


def _ip(record: Record, term: Term) -> bool:
    targets = [attempt.target.address for attempt in record.attempts if attempt.target]
    return _part_of_ip(term, record.message.client.address, *targets)


def _part_of_ip(term: Term, *addresses: str) -> bool:
    with contextlib.suppress(ValueError):
        return str(ipaddress.ip_address(term.value)) in addresses
    return _text(term, *addresses)


def _account(record: Record, term: Term) -> bool:
    account = record.message.account
    if term.value.startswith("@"):
        return account is not None and _is_in(account.rpartition("@")[2], term.value)
    return _name(term, account)


def _code(record: Record, term: Term) -> bool:
    replies = [attempt.reply for attempt in record.attempts if attempt.reply]
    enhanced = [reply.enhanced_status_code or "" for reply in replies]
    return _has_codes(term, [str(reply.code) for reply in replies], enhanced)


def _has_codes(term: Term, codes: Sequence[str], enhanced: Sequence[str]) -> bool:
    if "." not in term.value:
        return any(term.value == c if term.exact else c.startswith(term.value) for c in codes)
    if term.exact:
        return term.value in enhanced
    begins = term.value.removesuffix(".") + "."
    return any(code == term.value or code.startswith(begins) for code in enhanced)


def _of_attempts(select: Callable[[Attempt], str | None]) -> Callable[[Record, Term], bool]:
    return lambda record, term: _text(term, *map(select, record.attempts))


def _mx(record: Record, term: Term) -> bool:
    return _name(term, *(each.target.host for each in record.attempts if each.target))


_TERMS: dict[Field, Callable[[Record, Term], bool]] = {
    Field.ANY: _any,
    Field.TO: _to,
    Field.FROM: _from,
    Field.SUBJECT: lambda record, term: _text(term, record.message.header.subject),
    Field.ID: _id,
    Field.STATUS: _status,
    Field.MX: _mx,
    Field.IP: _ip,
    Field.CODE: _code,
    Field.TEXT: _of_attempts(lambda attempt: attempt.reply.text if attempt.reply else None),
    Field.ACCOUNT: _account,
    Field.CATEGORY: _category,
    Field.SIDE: _side,
    Field.SIZE: _size,
    Field.TLS: _tls,
    Field.ATTEMPTS: _attempts,
}
