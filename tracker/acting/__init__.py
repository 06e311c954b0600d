"""What people do to many recipients at once: what may be done, to how many, and how it is done.

`retry`  whether a try now makes sense, and cannot get the relay blocked
`plan`   what an act changes, by status, and how much somebody may do at once
`reroute` what another way is, in words and as a change
`run`    carries acts on, stride by stride, over a ledger
"""

from tracker.acting.plan import LIMITS, Part, parts_of, within_limit
from tracker.acting.reroute import configured_way, reroute_of
from tracker.acting.retry import may_retry
from tracker.acting.run import FEW, Runner, query_of, why_pointless

__all__ = [
    "FEW",
    "LIMITS",
    "Part",
    "Runner",
    "configured_way",
    "may_retry",
    "parts_of",
    "query_of",
    "reroute_of",
    "why_pointless",
    "within_limit",
]
