"""Refusals that speak of the recipient: unknown, full, closed, moved, choosy."""

from tracker.explain.category import Category
from tracker.explain.rules import Rule

ABOUT_ADDRESS: tuple[Rule, ...] = (
    Rule(
        "text:mailbox-full",
        Category.MAILBOX_FULL,
        r"(?:mail ?box|inbox|account|user|recipient).{0,40}\b(?:is )?(?:full|stuffed|over ?quota)\b"
        r"|over ?-?quota|quota (?:is )?(?:exceeded|full|reached)|exceed(?:s|ed)? .{0,20}quota"
        r"|out of storage space|insufficient (?:mailbox|user) (?:space|storage)",
        example="4.2.2 <bob@example.org>... Mailbox full",
        source="RFC 3463 3.3, Dovecot quota, Sendmail",
    ),
    Rule(
        "text:moved",
        Category.ADDRESS_MOVED,
        r"has moved|(?:been )?replaced by|please (?:use|try|forward to) \S{1,80}@|new address"
        r"|mailbox owner has changed|no longer at this address",
        example="5.1.6 address bob@example.org has been replaced by rob@example.org",
        source="RFC 5321 3.4",
    ),
    Rule(
        "text:throttled",
        Category.RECIPIENT_THROTTLED,
        r"(?:user|recipient|mailbox|account).{0,60}(?:receiving|received|getting) (?:mail )?"
        r"(?:too (?:many|much|fast|quickly)|at a rate)",
        example="User is receiving mail too quickly",
        source="RFC 3463 3.4, 4.3.2 with 432",
    ),
    Rule(
        "text:unknown-although-disabled",
        Category.ADDRESS_UNKNOWN,
        r"invalid mailbox|(?:user|recipient|address|mailbox) (?:is )?unknown",
        example="Message was not accepted -- invalid mailbox.",
        source="Sendmail, Exim",
    ),
    Rule(
        "text:disabled",
        Category.MAILBOX_DISABLED,
        r"(?:mail ?box|account|user|recipient(?: address)?|address).{0,60}\b(?:is |has been |was )?"
        r"(?:disabled|suspended|inactive|frozen|closed|locked|deactivated|terminated|expired"
        r"|no longer (?:valid|active|in use|available))"
        r"|(?:disabled|inactive|suspended|closed) (?:recipient|user|account|mail ?box|address)",
        example="5.2.1 The email account that you tried to reach is disabled.",
        source="RFC 3463 3.3",
    ),
    Rule(
        "text:unknown",
        Category.ADDRESS_UNKNOWN,
        r"(?:no such|unknown|invalid|bad|illegal|nonexist\w{0,6}|undeliverable|non-existent) "
        r"(?:\w{1,12} )?(?:user|recipient|mail ?box|address|account|alias|person|addressee)"
        r"|(?:user|recipient|mail ?box|address|account|addressee|alias)\b.{0,120}?\b(?:is |was )?"
        r"(?:unknown|not (?:found|exist|known|listed|valid|here)|does ?n[o']?t exist|dosn't exist"
        r"|doesn't exist|invalid|isn't (?:known|valid))"
        r"|no mail ?box (?:here )?by that name|no (?:such )?(?:one|person) (?:at|by|here)"
        r"|(?:RCPT|recipient) .{0,80}(?:dosn't|doesn't|does not) exist|unrouteable address"
        r"|not (?:a )?(?:known|valid|our) (?:user|recipient|mail ?box)|unknown or illegal"
        r"|all relevant MX records point to non-existent|not configured to receive",
        example="5.0.0 No such user here",
        source="Postfix local_recipient_maps, Sendmail, Exim, qmail",
    ),
    Rule(
        "text:unavailable-mailbox",
        Category.ADDRESS_UNKNOWN,
        r"^(?:5\.\d\.\d )?(?:requested (?:mail )?action (?:not taken|aborted)\W{1,3})?"
        r"mail ?box (?:unavailable|not found)|^(?:5\.\d\.\d )?(?:<\S{1,120}>: )?recipient "
        r"(?:address )?rejected\.?$",
        example="Requested action not taken: mailbox unavailable",
        source="RFC 5321 4.2.3: 550",
    ),
    Rule(
        "text:domain-unknown",
        Category.DOMAIN_UNKNOWN,
        r"(?:unknown|no such|invalid) (?:host|domain)|(?:host|domain) (?:is )?(?:unknown|not found"
        r"|not reachable|does not exist)|domain is not reachable|bad destination system"
        r"|find the recipient domain",
        example="5.1.2 Bad destination system address",
        source="RFC 3463 3.2",
    ),
    Rule(
        "text:smtputf8",
        Category.SMTPUTF8_UNSUPPORTED,
        r"SMTPUTF8|internationali[sz]ed (?:e-?mail|address)",
        example="5.6.7 SMTPUTF8 is required, but was not offered by host",
        source="RFC 6531",
    ),
    Rule(
        "text:choosy",
        Category.RECIPIENT_FILTERED,
        r"not (?:authori[sz]ed|allowed|permitted) to (?:send|post|mail) (?:mail |messages? )?to"
        r"|only (?:accepts|members)|restricted (?:to|group|sender)|members only|not on .{0,20}"
        r"(?:allow|white) ?list|delivery not authorized",
        example="5.7.2 You are not allowed to post to this mailing list",
        source="RFC 3463 3.8",
    ),
    Rule(
        "text:syntax",
        Category.ADDRESS_SYNTAX,
        r"(?:bad|invalid|malformed) (?:recipient )?address (?:syntax|format)|address syntax",
        example="5.1.3 Bad recipient address syntax",
        source="RFC 3463 3.2",
    ),
)
