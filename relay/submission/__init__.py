"""The submission server: it takes mail in, and the responsibility for it.

`server` is the way in. `session` has the commands on top of `authentication`, `conversation` and
`connection`, which has aiosmtpd's class below it, by way of `base`. `core` is the protocol without
I/O, `data` that of a content; `reception` and `content` keep what came. `commands`, `header`,
`trace` and `sender` decide, without I/O as well.
"""

from relay.submission.intake import (
    AuthenticationResult,
    Intake,
    Observer,
    RefusalRecorder,
    SubmissionResult,
)
from relay.submission.server import SubmissionServer

__all__ = [
    "AuthenticationResult",
    "Intake",
    "Observer",
    "RefusalRecorder",
    "SubmissionResult",
    "SubmissionServer",
]
