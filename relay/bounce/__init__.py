"""Reports that come back after a receiver has accepted a message (RFC 3464, out of band).

`mime`      the parts of a message, as far as a report needs them; pure
`report`    what a report says of whom; pure
`matching`  which of our recipients it is about

Everything in here is hostile: anybody may send it. It is read up to a bound, nothing in it is
trusted further than to be shown, and it never makes us send or suppress anything.
"""

from relay.bounce.matching import Match, find_recipient
from relay.bounce.report import LIMIT, BounceReport, Failure, NoReport, read_report

__all__ = [
    "LIMIT",
    "BounceReport",
    "Failure",
    "Match",
    "NoReport",
    "find_recipient",
    "read_report",
]
