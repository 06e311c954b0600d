"""Refusals that speak of whoever sends: our server, the sender, the sender's domain."""

from tracker.explain.category import Category
from tracker.explain.rules import Rule

ABOUT_SENDER: tuple[Rule, ...] = (
    Rule(
        "text:login-wanted",
        Category.LOGIN_REFUSED,
        r"username and password not accepted|application-specific password required"
        r"|authentication (?:is )?(?:required|not allowed|failure|credentials invalid)"
        r"|must (?:first )?(?:authenticate|log ?in)|not authenticated|invalid credentials"
        r"|unauthenticated senders? not allowed|SMTP AUTH",
        example="5.7.1 Username and Password not accepted.",
        source="RFC 4954 6",
    ),
    Rule(
        "text:dmarc-spf-dkim",
        Category.AUTHENTICATION,
        r"\b(?:DMARC|DKIM)\b|\bSPF\b|spf\.pobox\.com|authentication checks? failed|sender ID"
        r"|mismatches? client ip|not (?:allowed|permitted|authorized) to send (?:mail )?from"
        r"|sender is unauthenticated|unauthenticated (?:e-?mail|message)",
        example="Your message was rejected due to example.com's DMARC policy.",
        source="RFC 7208, RFC 6376, RFC 7489",
    ),
    Rule(
        "text:reverse-dns",
        Category.PTR_MISSING,
        r"\bPTR\b|\br(?:everse[ -]?)?DNS\b|unverif[iy]able sending IP"
        r"|cannot find your (?:reverse )?hostname|no (?:valid )?host ?name|invalid HELO"
        r"|HELO (?:command )?rejected|bad HELO",
        example="No PTR Record found. Reverse DNS required: 203.0.113.22",
        source="Postfix reject_unknown_client_hostname, Exim verify = reverse_host_lookup",
    ),
    Rule(
        "text:domain-on-list",
        Category.DOMAIN_BLOCKLISTED,
        r"\b(?:DBL|SURBL|URIBL|multi\.uribl)\b|having a domain present in"
        r"|(?:mail ?from |sender |sending |your )?domain (?:is |has been )?(?:listed|black ?listed"
        r"|block(?:ed|listed))|(?:url|link|uri)s? .{0,40}(?:black|block) ?list",
        example="Your email was rejected due to having a domain present in the Spamhaus DBL",
        source="Spamhaus DBL, SURBL, URIBL documentation",
    ),
    Rule(
        "text:poor-reputation",
        Category.REPUTATION_LOW,
        r"\b(?:poor|low|bad) (?:\w{1,12} )?reputation|reputation (?:is |score )?(?:too )?"
        r"(?:low|poor|bad)|due to (?:its |their |your )?(?:poor )?reputation|senderscore"
        r"|sender ?base|permanently deferred|too many unwanted messages|user complaints",
        example="Connection refused. This IP has a poor reputation on Cloudmark.",
        source="Cloudmark CSI, Cisco Talos",
    ),
    Rule(
        "text:address-on-list",
        Category.IP_BLOCKLISTED,
        r"\b(?:[SX]BL|PBL|CSS|RBL|DNSBL|CBL|CDRBL|dnsbl|zen)\b|spamhaus|spamcop|barracudacentral"
        r"|sorbs|abuseat|blocked (?:using|by|for)|black-?list|block-? ?list|dnsbl|/rbl|[?&]ip="
        r"|IP\b.{0,40}\b(?:is |has been |was )?(?:blocked|banned|black|listed|denied)"
        r"|\((?:BL)\)|blocked (?:ip|for spam)|banned (?:ip|host)|your (?:host|ip|server) .{0,40}"
        r"(?:blocked|banned|not allowed)|access from ip address|region is blocked",
        example="5.7.1 Service unavailable; Client host [192.0.2.49] blocked using list.example",
        source="Postfix reject_rbl_client, RFC 5782",
    ),
    Rule(
        "text:client-refused",
        Category.REPUTATION_LOW,
        r"insecure mail relay|invalid ip for sending|host network not allowed"
        r"|client host rejected: (?:access denied|blocked|cannot)",
        example="Client host rejected: Access denied",
        source="Postfix check_client_access",
    ),
    Rule(
        "text:sender-refused",
        Category.SENDER_REJECTED,
        r"sender (?:address )?(?:is )?(?:rejected|denied|refused|blocked|invalid|unknown|verify)"
        r"|unroutable sender|(?:domain of )?sender (?:address )?\S{0,120} ?(?:domain )?"
        r"(?:does not|doesn'?t) exist|mail ?from .{0,80}(?:rejected|invalid|does not exist)"
        r"|invalid (?:sender|return[- ]path|mail ?from|domain name$)|return address .{0,40}invalid"
        r"|address is not verified|sender (?:domain )?(?:is )?not (?:found|allowed|exist)"
        r"|valid sender domain|as a From: address|does not exist E2\d{3}|no valid sender",
        example="5.1.8 Sender address rejected: Domain not found",
        source="Postfix reject_unknown_sender_domain, Exim verify = sender",
    ),
)
