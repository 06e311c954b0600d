"""Who is tried once more when a server broke off at a recipient, and with whom. Pure.

One address that a server cannot bear must not keep the others of a message waiting until they
expire. What a server does is known only by trying; so each attempt tries something else, and one
session is all that it costs.
"""

from collections.abc import Sequence

from tracker.model import Recipient


def regroup(
    accepted: Sequence[Recipient],
    suspects: Sequence[Recipient],
    others: Sequence[Recipient],
    *,
    number: int,
    limit: int,
) -> list[list[Recipient]]:
    """Return whom to try on one more session, a transaction for each group, until one fails.

    `accepted` are those whose RCPT the server had taken, `suspects` those at whom it may have
    broken off, `others` those whom it had not been asked about, all in their order. `number` is
    that of the attempt, `limit` how many recipients a transaction may have.

    Those whom the server had taken go alone, if there are any: it may have had enough after them.
    Else everybody but the one it broke off at. When that may have been any of several, the first
    is the likeliest, and one of the groups the others of them form is where it is: which group
    comes first changes with each attempt, and the groups become smaller. So everybody who can be
    delivered is, although nobody remembers what earlier attempts came to.
    """
    if accepted:
        return [list(accepted)]
    if len(suspects) == 1:
        return _in_equal_parts(others, _parts_within(limit, others))
    likeliest, rest = suspects[:1], suspects[1:]
    parts = min(len(rest), 1 << (number.bit_length() - 1))
    groups = [
        list(likeliest),
        *_in_equal_parts(rest, max(parts, _parts_within(limit, rest))),
        *_in_equal_parts(others, _parts_within(limit, others)),
    ]
    first = number % len(groups)
    return groups[first:] + groups[:first]


def _parts_within(limit: int, recipients: Sequence[Recipient]) -> int:
    """Return how many parts of at most `limit` recipients there are at least."""
    return -(-len(recipients) // limit)


def _in_equal_parts(recipients: Sequence[Recipient], parts: int) -> list[list[Recipient]]:
    """Cut `recipients` into so many parts of nearly the same size."""
    size = len(recipients)
    return [
        list(recipients[size * part // parts : size * (part + 1) // parts]) for part in range(parts)
    ]
