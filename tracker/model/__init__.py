"""The nouns of mail, as frozen values. Nothing here waits, reads a clock or touches a backend.

`ids`        names of messages, recipients and attempts, in the order of time
`envelope`   what a client asks us to carry (RFC 5321, RFC 3461)
`reply`      what a remote server answered, word for word
`attempt`    one try at one recipient, with its evidence
`message`    an accepted message, its recipients and the job that a worker carries
`lease`      what a worker holds, and the census of all workers
`settlement` what one delivery changes in the ledger, all at once
`account`    who may submit and who may look
`acts`       what people do to many recipients at once
`errand`     what somebody has asked of the workers
`suppression` addresses to which nothing is sent
`refusal`    a submission that was not taken
`saved`      what the panel keeps for each person
`access`     who looked at whose mail
"""

from tracker.model.access import Access, AccessKind
from tracker.model.account import Account, Role, Scope, Session
from tracker.model.acts import Act, ActId, ActState, Deed, Reroute, Stride
from tracker.model.attempt import (
    Attempt,
    Origin,
    Outcome,
    Phase,
    Step,
    Target,
    TargetTry,
    TlsFacts,
    Trigger,
    Verification,
)
from tracker.model.envelope import (
    Body,
    Content,
    Envelope,
    EnvelopeRecipient,
    Notify,
    Ret,
    WholeContent,
)
from tracker.model.errand import (
    Errand,
    ErrandId,
    ErrandKind,
    ErrandResult,
    Excess,
    ProbeLimits,
)
from tracker.model.ids import (
    AccessId,
    AttemptId,
    EventId,
    LeaseToken,
    MessageId,
    RecipientId,
    RefusalId,
    is_id,
    new_id,
    time_of,
)
from tracker.model.lease import Census, Lease, Load
from tracker.model.message import (
    Accepted,
    Client,
    Gate,
    HeaderFacts,
    Job,
    Message,
    MessageKind,
    Recipient,
    Status,
    Submission,
)
from tracker.model.refusal import Refusal
from tracker.model.reply import Reply, status_code_at_head
from tracker.model.saved import Audience, Habits, SavedSearch
from tracker.model.settlement import (
    DestinationChange,
    Event,
    EventKind,
    Postponement,
    RecipientChange,
    Settlement,
)
from tracker.model.suppression import Suppression, SuppressionOrigin

__all__ = [
    "Accepted",
    "Access",
    "AccessId",
    "AccessKind",
    "Account",
    "Act",
    "ActId",
    "ActState",
    "Attempt",
    "AttemptId",
    "Audience",
    "Body",
    "Census",
    "Client",
    "Content",
    "Deed",
    "DestinationChange",
    "Envelope",
    "EnvelopeRecipient",
    "Errand",
    "ErrandId",
    "ErrandKind",
    "ErrandResult",
    "Event",
    "EventId",
    "EventKind",
    "Excess",
    "Gate",
    "Habits",
    "HeaderFacts",
    "Job",
    "Lease",
    "LeaseToken",
    "Load",
    "Message",
    "MessageId",
    "MessageKind",
    "Notify",
    "Origin",
    "Outcome",
    "Phase",
    "Postponement",
    "ProbeLimits",
    "Recipient",
    "RecipientChange",
    "RecipientId",
    "Refusal",
    "RefusalId",
    "Reply",
    "Reroute",
    "Ret",
    "Role",
    "SavedSearch",
    "Scope",
    "Session",
    "Settlement",
    "Status",
    "Step",
    "Stride",
    "Submission",
    "Suppression",
    "SuppressionOrigin",
    "Target",
    "TargetTry",
    "TlsFacts",
    "Trigger",
    "Verification",
    "WholeContent",
    "is_id",
    "new_id",
    "status_code_at_head",
    "time_of",
]
