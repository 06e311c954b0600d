"""What two databases say in different words."""

from typing import NamedTuple


class Dialect(NamedTuple):
    """Templates of SQL. {text} is a column or what is made of it, {needle} one parameter."""

    lower: str
    """{text} in lower case; only ASCII has to be, so a needle of ASCII is told apart rightly."""
    lower_unicode: str
    """{text} in lower case, whatever the script."""
    contains: str
    """{text} has {needle} somewhere in it; no character of it is a wildcard."""
    ends_with: str
    """{text} ends with {needle}, which stands in it twice."""
    is_ours: str
    """The recipient `r` or its message has the id `?`, which stands in it twice."""
    any_attempt: str
    """One of the attempts `a` at the recipient `r` meets {condition}."""
    returned: str
    """A report came later about the recipient `r`, which lies in the range {condition}."""
    may_have_failed: str
    """Quick to tell: false only where the recipient `r` was delivered at the first attempt."""
    any_try: str
    """One of the tries `t` of the attempt `a` meets {condition}."""
    try_address: str
    """The address of the target that was tried."""
    try_phase: str
    try_verified_by: str
    """What vouched for the certificate; null where there was no TLS."""
