"""The submission server: it takes mail in, and the responsibility for it.

Who comes in, and what they say:

`server`          the listeners, their certificates, and the end of it all
`admission`       who may connect
`entrance`        the PROXY header of a load balancer, before anything is said
`proxy_header`    what it says; pure
`connection`      octets both ways, and how long they may take
`deadlines`       one timer for all connections
`base`            aiosmtpd's class, set up once
`conversation`    command after command, their limits, and the farewell
`authentication`  the command AUTH
`session`         all other commands
`services`        what the conversations of a server have in common

What it means, without I/O:

`core`            octets in, what they say out
`commands`        the arguments of MAIL and RCPT, read strictly
`data`            the content between DATA and its end
`header`          its header: what the record keeps, and what it lacks
`trace`           the fields that we add
`sender`          which reverse-paths an account may use
`refusal`         what the record says of a command that was refused
`telling`         what the log says of mail, and of what is refused

What becomes of it:

`content`         the octets, in memory or in a file without a name
`reception`       kept, or refused at its end
`intake`          whom the server hands messages to, and tells about itself
`unavailable`     what a client is told when it cannot be stored now
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
