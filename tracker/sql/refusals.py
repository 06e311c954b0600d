"""Submissions that were refused, as rows."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Final

from tracker.model import Refusal, RefusalId, Scope
from tracker.search import Field, Query, Term
from tracker.search.spellings import spellings
from tracker.search.values import whole_ip
from tracker.sql.conditions import Condition, Statement, conjunction, disjunction, scope_condition
from tracker.sql.dialect import Dialect
from tracker.sql.matching import Matching, domain_of
from tracker.sql.rows import Columns, qualified
from tracker.sql.values import first_id, moment, stamp, well_formed
from tracker.views import RefusalPage

LOOKED_AT: Final = 20_000
"""Refusals that one search looks at: a client that goes mad has hundreds of thousands."""

TYPES: Mapping[str, str] = {
    "id": "text",
    "at": "bigint",
    "account": "text",
    "account_domain": "text",
    "client_address": "text",
    "reverse_path": "text",
    "forward_path": "text",
    "recipients": "integer",
    "command": "text",
    "reply": "text",
}
"""The columns of a refusal, in their order."""

REFUSAL_COLUMNS = ", ".join(TYPES)


def refusal_columns(refusal: Refusal) -> Columns:
    """Return a refusal as REFUSAL_COLUMNS."""
    account = None if refusal.account is None else well_formed(refusal.account)
    return (
        refusal.id,
        stamp(refusal.at),
        account,
        None if account is None else account.rpartition("@")[2],
        refusal.client_address,
        well_formed(refusal.reverse_path),
        well_formed(refusal.forward_path),
        refusal.recipients,
        refusal.command,
        well_formed(refusal.reply),
    )


def read_refusal(row: Columns) -> Refusal:
    """Build a refusal from REFUSAL_COLUMNS."""
    identifier, at, account, _, client, reverse_path, forward_path, recipients, command, reply = row
    return Refusal(
        id=RefusalId(identifier),
        at=moment(at),
        account=account,
        client_address=client,
        reverse_path=reverse_path,
        forward_path=forward_path,
        recipients=recipients,
        command=command,
        reply=reply,
    )


def select_refusals(
    scope: Scope,
    since: datetime | None,
    until: datetime | None,
    limit: int,
    before: RefusalId | None,
) -> Statement:
    """Refusals in scope, newest first: a walk along the ids, which carry the time."""
    where = _walk(scope, since, until, before)
    return Statement(
        f"SELECT {qualified('r', REFUSAL_COLUMNS)} FROM refusals AS r WHERE {where.sql}"
        " ORDER BY r.id DESC LIMIT ?",
        (*where.parameters, limit),
    )


def search_refusals(
    query: Query, scope: Scope, dialect: Dialect, limit: int, before: RefusalId | None
) -> Statement:
    """Those of the newest `LOOKED_AT` in scope that match."""
    walk = _walk(scope, query.since, query.until, before)
    matching = _Matching(dialect)
    terms = conjunction(matching.term(term) for term in query.terms)
    return Statement(
        f"SELECT {qualified('r', REFUSAL_COLUMNS)} FROM (SELECT * FROM refusals AS r"
        f" WHERE {walk.sql} ORDER BY r.id DESC LIMIT ?) AS r"
        f" WHERE {terms.sql} ORDER BY r.id DESC LIMIT ?",
        (*walk.parameters, LOOKED_AT, *terms.parameters, limit),
    )


def last_looked_at(query: Query, scope: Scope, before: RefusalId | None) -> Statement:
    """The id of the last one that `search_refusals` looks at; none when it looks at all."""
    walk = _walk(scope, query.since, query.until, before)
    return Statement(
        f"SELECT r.id FROM refusals AS r WHERE {walk.sql} ORDER BY r.id DESC LIMIT 1 OFFSET ?",
        (*walk.parameters, LOOKED_AT - 1),
    )


def make_refusal_page(rows: Sequence[Columns], limit: int, last: Columns | None) -> RefusalPage:
    """Build a page of at most `limit`; `last` is what `last_looked_at` has found."""
    found = tuple(read_refusal(row) for row in rows[:limit])
    if len(rows) > limit:
        return RefusalPage(refusals=found, older=found[-1].id)
    if last is not None:
        return RefusalPage(refusals=found, older=RefusalId(last[0]), cut=True)
    return RefusalPage(refusals=found, older=None)


def _walk(
    scope: Scope, since: datetime | None, until: datetime | None, before: RefusalId | None
) -> Condition:
    conditions = [scope_condition(scope)]
    if since is not None:
        conditions.append(Condition("r.at >= ?", (stamp(since),)))
    if until is not None:
        conditions.append(Condition("r.at < ?", (stamp(until),)))
    if before is not None:
        conditions.append(Condition("r.id < ?", (well_formed(before),)))
    return conjunction(conditions)


class _Matching(Matching):
    """The terms of a search of refusals `r`; which fields there are, `check_untaken` says."""

    def term(self, term: Term) -> Condition:
        value, exact = well_formed(term.value), term.exact
        condition = _TERMS.get(term.field, _Matching.any)(self, value, exact)
        if term.negated:
            # Without an account nothing is true of it, so "not" must mean "not true".
            return Condition(f"({condition.sql}) IS NOT TRUE", condition.parameters)
        return condition

    def any(self, value: str, exact: bool) -> Condition:
        addresses = (self.to(value, exact), self.sender(value, exact))
        if value.startswith("@"):
            return disjunction(addresses)
        others = self.matches(("r.client_address", "r.reply"), value, exact)
        return disjunction((*addresses, self.account(value, exact), others))

    def to(self, value: str, exact: bool) -> Condition:
        return self._path("r.forward_path", value, exact)

    def sender(self, value: str, exact: bool) -> Condition:
        return self._path("r.reverse_path", value, exact)

    def account(self, value: str, exact: bool) -> Condition:
        if value.startswith("@"):
            return self.in_domain("r.account_domain", value)
        return self.spelled(("r.account",), value, exact)

    def ip(self, value: str, exact: bool) -> Condition:
        """A whole address is that address; else a part of it."""
        whole = whole_ip(value)
        return self.matches(("r.client_address",), whole or value, exact or whole is not None)

    def code(self, value: str, exact: bool) -> Condition:
        """ "4" and "45" begin a reply code; "5.7" is every code 5.7.x; quoted, the whole code."""
        at, whole = (5, f"{value.removesuffix('.')} ") if "." in value else (1, f"{value} ")
        part = whole.replace(" ", ".") if "." in value else value
        beginnings = (whole,) if exact else (whole, part)
        return disjunction(
            Condition(f"substr(r.reply || ' ', {at}, ?) = ?", (len(each), each))
            for each in beginnings
        )

    def text(self, value: str, exact: bool) -> Condition:
        return self.matches(("r.reply",), value, exact)

    def _path(self, column: str, value: str, exact: bool) -> Condition:
        if not value.startswith("@"):
            return self.spelled((column,), value, exact)
        domain, below = domain_of(value)
        return disjunction(
            self.ends_with(column, spelling)
            for before in ("@", ".")[: 1 + below]
            for spelling in spellings(before + domain)
        )


_TERMS: dict[Field, Callable[[_Matching, str, bool], Condition]] = {
    Field.TO: _Matching.to,
    Field.FROM: _Matching.sender,
    Field.IP: _Matching.ip,
    Field.CODE: _Matching.code,
    Field.TEXT: _Matching.text,
    Field.ACCOUNT: _Matching.account,
}


def older_refusals(before: datetime, limit: int) -> Statement:
    """Delete at most `limit` of those that were made before."""
    return Statement(
        "DELETE FROM refusals WHERE id IN"
        " (SELECT id FROM refusals WHERE id < ? ORDER BY id LIMIT ?)",
        (first_id(before), limit),
    )
