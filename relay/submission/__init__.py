"""The submission server: it takes mail in, and the responsibility for it.

`server` is the way in. `session` has the commands on top of `authentication` and `conversation`;
`wire`, `data`, `content` and `reception` handle octets; `commands`, `header`, `trace` and
`sender` decide, without I/O.
"""

from relay.submission.intake import AuthenticationResult, Intake, Observer, SubmissionResult
from relay.submission.server import SubmissionServer

__all__ = [
    "AuthenticationResult",
    "Intake",
    "Observer",
    "SubmissionResult",
    "SubmissionServer",
]
