"""Refusals that speak of their server or its rules: pace, faults, loops, policy."""

from tracker.explain.category import Category
from tracker.explain.rules import Rule

ABOUT_SERVER: tuple[Rule, ...] = (
    Rule(
        "text:greylisted",
        Category.GREYLISTED,
        r"gr[ae]y-?list|first (?:time|attempt|contact)",
        example="4.2.0 <bob@example.org>: Recipient address rejected: Greylisted",
        source="RFC 6647",
    ),
    Rule(
        "text:too-many-recipients",
        Category.TOO_MANY_RECIPIENTS,
        r"too many recipients|recipients? (?:limit|count) (?:exceed|reached)|number of recipients",
        example="4.5.3 Your message has too many recipients.",
        source="RFC 5321 4.5.3.1.10",
    ),
    Rule(
        "text:too-fast",
        Category.RATE_LIMITED,
        r"too many (?:concurrent |simultaneous )?(?:connections?|messages|sessions|errors|mails"
        r"|e-?mails)|rate[ -]?limit|frequency limit|too (?:fast|quickly|much mail)|throttl"
        r"|try again slower|slow down|max(?:imum)? number of (?:messages|connections)"
        r"|(?:connection|message|sending|hourly|daily) (?:rate|limit|quota)",
        example="4.7.0 Connection rate limit exceeded",
        source="Postfix smtpd_client_connection_rate_limit, Sendmail ratecontrol",
    ),
    Rule(
        "text:loop",
        Category.ROUTING_LOOP,
        r"\bmail loops?\b|too many hops|hop count|loops? back|mail forwarding loop",
        example="5.4.6 Too many hops",
        source="RFC 5321 6.3",
    ),
    Rule(
        "text:tls",
        Category.TLS_FAILED,
        r"must issue a STARTTLS|TLS (?:is )?required|STARTTLS (?:is )?required"
        r"|encryption (?:is )?required",
        example="5.7.0 Must issue a STARTTLS command first",
        source="RFC 3207 4",
    ),
    Rule(
        "text:expired",
        Category.REMOTE_EXPIRED,
        r"delivery time expired|message expired|in the queue too long|retry timeout exceeded",
        example="4.4.7 Delivery time expired",
        source="RFC 3463 3.5",
    ),
    Rule(
        "text:storage",
        Category.REMOTE_STORAGE,
        r"insufficient (?:system|disk) (?:storage|space)|insufficient system resources"
        r"|disk (?:is )?full|no space left|out of (?:disk )?space",
        example="4.3.1 Insufficient system storage",
        source="RFC 5321 4.2.2: 452",
    ),
    Rule(
        "text:syntax-of-a-command",
        Category.PROTOCOL_ERROR,
        r"syntax error|bad sequence|improper sequence|command (?:not|un)(?: |-)?(?:recogni[sz]ed"
        r"|implemented|known)|parameter not implemented|unrecogni[sz]ed (?:command|parameter)"
        r"|unimplemented|need rcpt",
        example="5.5.1 Bad sequence of commands",
        source="RFC 5321 4.2.2",
    ),
    Rule(
        "text:policy",
        Category.POLICY_REFUSED,
        r"\bpolic(?:y|ies)\b|administrative(?:ly)? (?:prohibit|den)|not accepted here"
        r"|denied by|prohibited|access denied|violation|host rejected",
        example="5.7.1 Message rejected due to local policy",
        source="RFC 3463 3.8",
    ),
    Rule(
        "text:fault",
        Category.REMOTE_ERROR,
        r"(?:internal|system|server|mailer|queue file|local|configuration|config|lookup|DNS) "
        r"(?:\w{1,10} )?(?:error|failure|problem)|(?:service|server|system) (?:is )?(?:currently )?"
        r"(?:temporarily )?(?:unavailable|not available|busy|refused?|down)|could not load"
        r"|service refuse|insufficient permission|resources (?:temporarily )?unavailable"
        r"|unable to (?:process|deliver|complete)|local delivery failed",
        example="4.3.0 Error: queue file write error",
        source="RFC 5321 4.2.2: 451, 421",
    ),
    Rule(
        "text:try-later",
        Category.RATE_LIMITED,
        r"^(?:4\.7\.\d )?(?:please )?try (?:again )?later",
        example="4.7.0 Try again later",
        source="Google, Microsoft: deferrals without a reason",
    ),
    Rule(
        "text:timeout",
        Category.CONNECTION_LOST,
        r"time(?:d)? ?-?out",
        example="4.4.2 Timeout - closing connection.",
        source="RFC 5321 4.5.3.2",
    ),
)
