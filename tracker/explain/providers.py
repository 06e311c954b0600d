"""What large receivers say, in wordings that are theirs alone.

They come before the codes, because here the codes mislead: Microsoft answers 5.4.1 and 5.1.10
for an address that does not exist, and uses 5.7.x for everything.
"""

from tracker.explain.category import Category
from tracker.explain.rules import Rule

_EXCHANGE = "Microsoft: NDR error codes in Exchange Online"
_OUTLOOK = "Microsoft: Outlook.com postmaster troubleshooting"
_GOOGLE = "Google: Gmail SMTP errors and codes"
_YAHOO = "Yahoo Sender Hub: SMTP error codes"
_APPLE = "Apple: postmaster information for iCloud Mail"
_ORANGE = "Orange: SMTP error codes OFR and LPN"
_COMCAST = "Cox, Comcast: e-mail error codes"

PROVIDERS: tuple[Rule, ...] = (
    Rule(
        "microsoft:recipient-not-found",
        Category.ADDRESS_UNKNOWN,
        r"RESOLVER\.ADR\.\w{0,10}Recip\w{0,10}NotFound",
        example="RESOLVER.ADR.RecipientNotFound; Recipient not found by SMTP address lookup",
        source=_EXCHANGE,
    ),
    Rule(
        "microsoft:directory-edge",
        Category.ADDRESS_UNKNOWN,
        r"5\.4\.1 .{0,300}Recipient address rejected: Access denied",
        example="5.4.1 [bob@example.org]: Recipient address rejected: Access denied",
        source=_EXCHANGE,
    ),
    Rule(
        "microsoft:unknown-further-on",
        Category.ADDRESS_UNKNOWN,
        r"5\.1\.351\b",
        example="5.1.351 Remote server returned unknown recipient or mailbox unavailable",
        source=_EXCHANGE,
    ),
    Rule(
        "microsoft:restricted",
        Category.RECIPIENT_FILTERED,
        r"RESOLVER\.RST\.(?:AuthRequired|NotAuthorized|RestrictedToSenders)|\b5\.7\.1(?:24|33|34)\b",
        example="5.7.1 RESOLVER.RST.AuthRequired; authentication required",
        source=_EXCHANGE,
    ),
    Rule(
        "microsoft:sender-filtered",
        Category.SENDER_REJECTED,
        r"SenderFilterAgent|\b5\.7\.105\b",
        example="5.7.105 SenderFilterAgent; Sender denied as sender's address is on a list",
        source=_EXCHANGE,
    ),
    Rule(
        "microsoft:mailbox-full",
        Category.MAILBOX_FULL,
        r"STOREDRV\.Deliver.{0,80}mailbox full|QuotaExceeded",
        example="5.2.2 STOREDRV.Deliver: mailbox full. MapiExceptionShutoffQuotaExceeded",
        source=_EXCHANGE,
    ),
    Rule(
        "microsoft:dmarc",
        Category.AUTHENTICATION,
        r"\b5\.7\.5(?:09|12|15)\b",
        example="5.7.509 Access denied, sending domain does not pass DMARC verification",
        source=_EXCHANGE,
    ),
    Rule(
        "microsoft:banned-ip",
        Category.IP_BLOCKLISTED,
        r"\b5\.7\.(?:60[6-9]|6[1-4]\d|511)\b|banned sending IP|block list \(S3\d{3}\)",
        example="5.7.606 Access denied, banned sending IP [192.0.2.22].",
        source=_EXCHANGE,
    ),
    Rule(
        "microsoft:reputation",
        Category.REPUTATION_LOW,
        r"\(?(?:SC|DY|OU)-00[1-4]\b|\bRP-00[1-3]\b",
        example="SC-001 (COL0-MC1-F1) Unfortunately, messages from 192.0.2.22 weren't sent.",
        source=_OUTLOOK,
    ),
    Rule(
        "microsoft:server-busy",
        Category.RATE_LIMITED,
        r"\b4\.7\.5\d\d\b|\(S77\d{3}\)|\b4\.7\.6\d\d\b",
        example="4.7.500 Server busy. Please try again later from [192.0.2.16]. (S77714)",
        source=_EXCHANGE,
    ),
    Rule(
        "microsoft:expired-further-on",
        Category.REMOTE_EXPIRED,
        r"\b[45]\.4\.3(?:00|16|17)\b",
        example="5.4.316 Message expired, connection refused",
        source=_EXCHANGE,
    ),
    Rule(
        "google:spf-dkim",
        Category.AUTHENTICATION,
        r"\b[45]\.7\.(?:2[3-7]|3[0-2]|40)\b.{0,400}\b(?:SPF|DKIM|DMARC|unauthenticated)\b",
        example="4.7.27 Your email has been rate limited because SPF authentication didn't pass",
        source=_GOOGLE,
    ),
    Rule(
        "google:ptr",
        Category.PTR_MISSING,
        r"\b[45]\.7\.(?:1|23|25)\b.{0,200}\bPTR record",
        example="4.7.23 The sending IP address for this message doesn't have a PTR record",
        source=_GOOGLE,
    ),
    Rule(
        "google:unusual-rate",
        Category.RATE_LIMITED,
        r"4\.7\.\d{1,2} .{0,120}unusual rate of unsolicited mail",
        example="4.7.28 Gmail has detected an unusual rate of unsolicited mail originating",
        source=_GOOGLE,
    ),
    Rule(
        "google:unsolicited-blocked",
        Category.REPUTATION_LOW,
        r"5\.7\.\d{1,2} .{0,120}unusual rate of unsolicited mail",
        example="5.7.1 Our system has detected an unusual rate of unsolicited mail originating",
        source=_GOOGLE,
    ),
    Rule(
        "google:domain-reputation",
        Category.CONTENT_SPAM,
        r"low reputation of the sending domain|suspicious due to the nature of the content",
        example="suspicious due to the very low reputation of the sending domain. To best",
        source=_GOOGLE,
    ),
    Rule(
        "google:receiving-too-quickly",
        Category.RECIPIENT_THROTTLED,
        r"receiving mail (?:too quickly|at a rate)",
        example="4.2.1 The user you are trying to contact is receiving mail too quickly.",
        source=_GOOGLE,
    ),
    Rule(
        "google:bad-helo",
        Category.PTR_MISSING,
        r"HELO/EHLO argument .{0,80}invalid",
        example='5.5.4 HELO/EHLO argument "localhost" invalid, closing connection.',
        source=_GOOGLE,
    ),
    Rule(
        "google:tls-required",
        Category.TLS_FAILED,
        r"TLS required for (?:RCPT|sender) domain",
        example="4.7.0 TLS required for RCPT domain, closing connection.",
        source=_GOOGLE,
    ),
    Rule(
        "google:allow-list",
        Category.POLICY_REFUSED,
        r"IP not in whitelist for RCPT domain",
        example="4.7.0 IP not in whitelist for RCPT domain, closing connection.",
        source=_GOOGLE,
    ),
    Rule(
        "google:send-denied",
        Category.SENDER_REJECTED,
        r"Mail Sending denied",
        example="5.7.0, Mail Sending denied. The sender account is disabled",
        source=_GOOGLE,
    ),
    Rule(
        "google:relay-denied",
        Category.RELAY_DENIED,
        r"Mail relay denied",
        example="5.7.0 Mail relay denied <192.0.2.1>. Invalid credentials for relay",
        source=_GOOGLE,
    ),
    Rule(
        "tencent:frequency",
        Category.RATE_LIMITED,
        r"Connection frequency limited",
        example="Connection frequency limited [Q1Y= Blocked IP 192.0.2.22].",
        source="Tencent: QQ mail help 20022",
    ),
    Rule(
        "google:policy-size",
        Category.TOO_MANY_RECIPIENTS,
        r"policy size per transaction exceeded",
        example="4.5.3 Domain policy size per transaction exceeded, please try this recipient",
        source=_GOOGLE,
    ),
    Rule(
        "yahoo:no-account",
        Category.ADDRESS_UNKNOWN,
        r"This user doesn't have an? \S{1,60} account",
        example="delivery error: dd This user doesn't have a yahoo.com account (bob@yahoo.com)",
        source=_YAHOO,
    ),
    Rule(
        "yahoo:closed",
        Category.MAILBOX_DISABLED,
        r"delivery error: dd .{0,80}is no longer valid",
        example="delivery error: dd bob@yahoo.com is no longer valid.",
        source=_YAHOO,
    ),
    Rule(
        "yahoo:deferred",
        Category.REPUTATION_LOW,
        r"\[TSS?0\d\]|\[TSS11\]",
        example="4.7.0 [TSS04] Messages from 192.0.2.25 temporarily deferred due to complaints",
        source=_YAHOO,
    ),
    Rule(
        "yahoo:from-domain",
        Category.SENDER_REJECTED,
        r"unresolvable RFC\.?532[12] from domain",
        example="Message temporarily deferred due to unresolvable RFC.5321 from domain.",
        source=_YAHOO,
    ),
    Rule(
        "apple:not-accepting",
        Category.REPUTATION_LOW,
        r"smtpin\S{0,40} ESMTP not accepting connections",
        example="mr28p00im-smtpin040.me.com ESMTP not accepting connections",
        source=_APPLE,
    ),
    Rule(
        "apple:volume",
        Category.RATE_LIMITED,
        r"deferred due to excessive volume",
        example="4.7.1 Messages to bob@icloud.com deferred due to excessive volume.",
        source=_APPLE,
    ),
    Rule(
        "orange:address",
        Category.ADDRESS_UNKNOWN,
        r"(?:OFR|LPN)\d{0,3}_?416|destinataire invalide",
        example="5.1.1 Adresse d au moins un destinataire invalide. OFR_416 [416]",
        source=_ORANGE,
    ),
    Rule(
        "orange:archived",
        Category.MAILBOX_DISABLED,
        r"Boite du destinataire (?:archivee|inactive)",
        example="5.5.0 Boite du destinataire archivee.",
        source=_ORANGE,
    ),
    Rule(
        "orange:blocked",
        Category.IP_BLOCKLISTED,
        r"IP source bloquee|(?:OFR|LPN)\d{3}_10[2-9]",
        example="ME Adresse IP source bloquee pour incident de spam. OFR006_102",
        source=_ORANGE,
    ),
    Rule(
        "orange:spam",
        Category.CONTENT_SPAM,
        r"(?:OFR|LPN)\d{0,3}_506",
        example="5.2.0 Mail rejete. Mail rejected. ofr_506 [506]",
        source=_ORANGE,
    ),
    Rule(
        "orange:login",
        Category.LOGIN_REFUSED,
        r"Authentification requise|Code d'authentification invalide",
        example="5.5.0 Authentification requise. Authentication Required. LPN105_402",
        source=_ORANGE,
    ),
    Rule(
        "cox:sender-rejected",
        Category.REPUTATION_LOW,
        r"AUP#(?:CDRBL|CXSNDR|CXMJ|In-|I-)",
        example="5.1.0 <alice@example.com> sender rejected. AUP#CDRBL",
        source=_COMCAST,
    ),
)
