"""From a query of the search grammar to a condition on `r`, `m` and `a`.

`r` is a recipient as it is now, `m` its message, `a` one of its attempts. How a ledger finds
them is its own business: a walk binds these names.
"""

from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import NamedTuple

from tracker.explain import Category, Side, categories_of
from tracker.model import Outcome, Phase, Scope, Status, Verification, is_id
from tracker.search import STATUS_WORDS, Field, Query, Term
from tracker.search.amounts import Amounts, read_counts, read_sizes
from tracker.search.values import whole_ip
from tracker.sql.comparing import Comparing, ends_of
from tracker.sql.conditions import (
    Condition,
    conjunction,
    disjunction,
    scope_condition,
    status_condition,
)
from tracker.sql.dialect import Dialect
from tracker.sql.values import first_id, last_id, stamp, well_formed

LONGEST_ACCEPTANCE = timedelta(days=8)
"""A message has its id shortly before it is accepted; a bounce may wait for the ledger meanwhile,
but for no longer than the lease lives under which it was written."""


class Selection(NamedTuple):
    """What a query and a scope select."""

    condition: Condition
    statuses: frozenset[Status]
    """The condition holds for no other ones: each of them has an index."""
    fields: frozenset[Field]
    """What the condition looks at."""


def select(query: Query, scope: Scope, dialect: Dialect) -> Selection:
    """Translate a query; terms of it that cannot match yield a selection of nothing."""
    translation = _Translation(query, dialect)
    conditions = [scope_condition(scope), *translation.time_range()]
    statuses = frozenset(Status)
    for term in query.terms:
        condition = translation.term(term.field, term.value, term.exact)
        if term.negated:
            # Of a column that is null nothing is true, so "not" must mean "not true".
            condition = Condition(f"({condition.sql}) IS NOT TRUE", condition.parameters)
        statuses &= _possible(term)
        conditions.append(condition)
    fields = frozenset(term.field for term in query.terms)
    return Selection(conjunction(conditions), statuses, fields)


def _possible(term: Term) -> frozenset[Status]:
    """Return the statuses that a term leaves over."""
    word = term.value.lower()
    if term.field is Field.STATUS:
        return _named(word, negated=term.negated)
    if term.negated:
        return frozenset(Status)
    if term.field is Field.SIDE or (term.field is Field.CATEGORY and word != Category.ACCEPTED):
        return _NOT_DELIVERED  # both are those of the last attempt
    if term.field is Field.ATTEMPTS and _most(term.value) < 1:
        return _NOT_DELIVERED
    return frozenset(Status)


def _named(word: str, *, negated: bool) -> frozenset[Status]:
    named = STATUS_WORDS.get(word, frozenset())
    if not negated:
        return named
    # What is not "temporary" may still have one of its statuses, before the first attempt.
    return frozenset(Status) - (named if word not in _MORE_THAN_STATUS else frozenset())


_TEMPORARY, _UNCERTAIN, _RETURNED = "temporary", "uncertain", "returned"
_MORE_THAN_STATUS = (_TEMPORARY, _UNCERTAIN, _RETURNED)


def _most(value: str) -> int:
    """Return how many attempts there may have been at most; -1 when that is no count."""
    try:
        return read_counts(value).most
    except ValueError:
        return -1


_NOT_DELIVERED = frozenset(Status) - {Status.DELIVERED}


class _Translation(Comparing):
    """The terms of one query in one dialect."""

    def __init__(self, query: Query, dialect: Dialect) -> None:
        super().__init__(dialect)
        self._since, self._until = query.since, query.until

    def term(self, field: Field, value: str, exact: bool) -> Condition:
        return _TERMS[field](self, well_formed(value), exact)

    # --- the time range ----------------------------------------------------------------------

    def time_range(self) -> Iterator[Condition]:
        """The time range; the id carries the time, so that it is a range of the walk as well."""
        yield from accepted_within(self._since, self._until)
        yield from id_range("r.id", self._since, self._until)

    # --- terms -------------------------------------------------------------------------------

    def any(self, value: str, exact: bool) -> Condition:
        if value.startswith("@"):
            return disjunction((self.to(value, exact), self.sender(value, exact)))
        addresses = self.spelled(("r.forward_path", "m.reverse_path"), value, exact)
        others = self.matches(("m.subject", "m.id", "m.header_message_id"), value, exact)
        queue_id = self._any_attempt(self.matches(("a.remote_queue_id",), value, exact))
        return disjunction((addresses, others, queue_id))

    def to(self, value: str, exact: bool) -> Condition:
        if value.startswith("@"):
            return self.in_domain("r.domain", value)
        return self.spelled(("r.forward_path",), value, exact)

    def sender(self, value: str, exact: bool) -> Condition:
        if not value.startswith("@"):
            return self.spelled(("m.reverse_path", "m.header_from"), value, exact)
        return disjunction(
            condition
            for end in ends_of(value)
            for condition in (
                self.ends_with("m.reverse_path", end),
                self.ends_with("m.header_from", end),
                self.matches(("m.header_from",), end + ">", exact=False),
            )
        )

    def id(self, value: str, exact: bool) -> Condition:
        ours = value.upper()
        if is_id(ours):
            return Condition(self._dialect.is_ours, (ours, ours))
        bare = value.removeprefix("<").removesuffix(">")
        names = (
            self.matches(("m.header_message_id",), bare, exact),
            self.matches(("m.envid",), _xtext(bare), exact=True),
        )
        queue_id = self._any_attempt(self.matches(("a.remote_queue_id",), value, exact))
        return disjunction((*names, queue_id))

    def status(self, value: str, exact: bool) -> Condition:
        word = value.lower()
        condition = status_condition(STATUS_WORDS.get(word, frozenset()))
        if word == _UNCERTAIN:
            last = Condition("a.outcome = ?", (Outcome.UNCERTAIN.value,))
            return conjunction((condition, self._last_attempt(last)))
        if word == _RETURNED:
            since = self._since and self._since - LONGEST_ACCEPTANCE
            of_message = id_range("e.message_id", since, self._until)  # by which there are parts
            of_recipient = id_range("e.recipient_id", self._since, self._until)
            within = conjunction((*of_recipient, *of_message))
            return Condition(self._dialect.returned.format(condition=within.sql), within.parameters)
        if word != _TEMPORARY:
            return condition
        tried = Condition("r.attempts > 0 OR r.status = ?", (Status.DEFERRED.value,))
        return conjunction((condition, tried))

    def category(self, value: str, exact: bool) -> Condition:
        return Condition("r.category = ?", (value.lower(),)) if value else _NOTHING

    def side(self, value: str, exact: bool) -> Condition:
        word = value.lower()
        if word not in _SIDES:
            return _NOTHING
        return _one_of("r.category", sorted(categories_of(Side(word))))

    def tls(self, value: str, exact: bool) -> Condition:
        """Read from the evidence in full: no column, so that no delivery pays for it."""
        word, verified_by = value.lower(), self._dialect.try_verified_by
        wanted = {
            "none": conjunction((Condition(f"{verified_by} IS NULL"), _one_of("a.phase", _SAID))),
            "unverified": Condition(f"{verified_by} = ?", (Verification.NONE.value,)),
            "verified": Condition(f"{verified_by} <> ?", (Verification.NONE.value,)),
        }.get(word, _NOTHING)
        address, phase = self._dialect.try_address, self._dialect.try_phase
        decided = Condition(f"{address} = a.target_address AND {phase} = a.phase")
        sql, parameters = conjunction((decided, wanted))
        tried = Condition(self._dialect.any_try.format(condition=sql), parameters)
        # To look for a few characters costs a tenth of reading the JSON, which then is only to
        # say that they stand in the right place.
        contains = self._dialect.contains.format(text="a.tries", needle="?")
        marked = disjunction(Condition(contains, (mark,)) for mark in _TLS_MARKS.get(word, ()))
        return self._last_attempt(conjunction((marked, tried)))

    def attempts(self, value: str, exact: bool) -> Condition:
        return _between("r.attempts", read_counts, value)

    def size(self, value: str, exact: bool) -> Condition:
        return _between("m.size", read_sizes, value)

    def ip(self, value: str, exact: bool) -> Condition:
        """A whole address is that address; else a part of it."""
        whole = whole_ip(value)
        value, exact = whole or value, exact or whole is not None
        target = self._any_attempt(self.matches(("a.target_address",), value, exact))
        return disjunction((self.matches(("m.client_address",), value, exact), target))

    def code(self, value: str, exact: bool) -> Condition:
        """ "4" and "45" begin a reply code; "5.7" is every code 5.7.x; quoted, the whole code."""
        if "." not in value:
            found = _begins(_REPLY_CODE, value, exact)
        else:
            found = _begins(_ENHANCED_CODE, value, exact=True)
            if not exact:
                beginning = _begins(_ENHANCED_CODE, value.removesuffix(".") + ".", exact=False)
                found = disjunction((found, beginning))
        attempted = self._any_attempt(found)
        if value[:1] not in ("4", "5"):
            return attempted
        return conjunction((Condition(self._dialect.may_have_failed), attempted))

    def subject(self, value: str, exact: bool) -> Condition:
        return self.matches(("m.subject",), value, exact)

    def account(self, value: str, exact: bool) -> Condition:
        if value.startswith("@"):
            return self.in_domain("r.account_domain", value)
        return self.spelled(("r.account",), value, exact)

    def mx(self, value: str, exact: bool) -> Condition:
        return self._any_attempt(self.spelled(("a.target_host",), value, exact))

    def text(self, value: str, exact: bool) -> Condition:
        return self._any_attempt(self.matches(("a.reply_text",), value, exact))

    # --- pieces ------------------------------------------------------------------------------

    def _any_attempt(self, condition: Condition) -> Condition:
        # The range of r.id once more: of partitions it leaves only those that can matter.
        within = id_range("a.recipient_id", self._since, self._until)
        sql, parameters = conjunction((*within, condition))
        return Condition(self._dialect.any_attempt.format(condition=sql), parameters)

    def _last_attempt(self, condition: Condition) -> Condition:
        return self._any_attempt(conjunction((Condition("a.id = r.last_attempt_id"), condition)))


def _xtext(value: str) -> str:
    """Return `value` as ENVID has it (RFC 3461 4)."""
    return "".join(f"+{ord(c):02X}" if c in "+=" else c for c in value)


def _between(number: str, read: Callable[[str], Amounts], value: str) -> Condition:
    try:
        least, most = read(value)
    except ValueError:
        return _NOTHING
    return Condition(f"{number} BETWEEN CAST(? AS BIGINT) AND CAST(? AS BIGINT)", (least, most))


def _one_of(column: str, values: Iterable[StrEnum]) -> Condition:
    return disjunction(Condition(f"{column} = ?", (value.value,)) for value in values)


_NOTHING = Condition("FALSE")
_SIDES = frozenset(Side)
_SAID = (Phase.MAIL, Phase.RCPT, Phase.DATA, Phase.CONTENT, Phase.FINAL_DOT)
"""How far an attempt has come when the server has been told of the envelope."""
_TLS_MARKS = {
    "none": ('"tls":null',),
    "unverified": ('"verified_by":"none"',),
    "verified": ('"verified_by":"pkix"', '"verified_by":"dane"'),
}
"""What must stand in the JSON of the tries; within its texts, quotation marks are escaped."""
_REPLY_CODE = "CAST(a.reply_code AS TEXT)"
_ENHANCED_CODE = "a.enhanced_status_code"


def _begins(text: str, value: str, exact: bool) -> Condition:
    if exact:
        return Condition(f"{text} = ?", (value,))
    return Condition(f"substr({text}, 1, ?) = ?", (len(value), value))


def accepted_within(since: datetime | None, until: datetime | None) -> Iterator[Condition]:
    """What was accepted from `since` on and before `until`."""
    if since is not None:
        yield Condition("r.accepted_at >= ?", (stamp(since),))
    if until is not None:
        yield Condition("r.accepted_at < ?", (stamp(until),))


def id_range(column: str, since: datetime | None, until: datetime | None) -> Iterator[Condition]:
    """The ids that are made from `since` on and before `until`."""
    if since is not None:
        yield Condition(f"{column} >= ?", (first_id(max(since, _NO_ID_BEFORE)),))
    if until is not None:
        yield Condition(f"{column} <= ?", (last_id(max(until, _NO_ID_BEFORE + _TICK) - _TICK),))


_NO_ID_BEFORE = datetime(1970, 1, 1, tzinfo=UTC)
_TICK = timedelta(microseconds=1)


_TERMS: dict[Field, Callable[[_Translation, str, bool], Condition]] = {
    Field.ANY: _Translation.any,
    Field.TO: _Translation.to,
    Field.FROM: _Translation.sender,
    Field.SUBJECT: _Translation.subject,
    Field.ID: _Translation.id,
    Field.STATUS: _Translation.status,
    Field.MX: _Translation.mx,
    Field.IP: _Translation.ip,
    Field.CODE: _Translation.code,
    Field.TEXT: _Translation.text,
    Field.ACCOUNT: _Translation.account,
    Field.CATEGORY: _Translation.category,
    Field.SIDE: _Translation.side,
    Field.SIZE: _Translation.size,
    Field.TLS: _Translation.tls,
    Field.ATTEMPTS: _Translation.attempts,
}
