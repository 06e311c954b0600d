"""From what happened to what follows: statuses, next tries, DSNs. No I/O, time or chance.

`verdict`   what becomes of each recipient, by its own attempt
`notices`   which DSNs that calls for, and which are withheld and why (RFC 3461 4.1, 5.2)
`decision`  all of it as one settlement, with what was learnt of the destination
`record`    what can be settled when any of this fails: the attempts

Unknown means temporary; results are per recipient, never message-wide; the only way from a
temporary cause to a failure is the deadline, and then the failure says so.
"""

from relay.decide.decision import Reach, Weighed, decide, weigh
from relay.decide.record import record_only

__all__ = ["Reach", "Weighed", "decide", "record_only", "weigh"]
