"""Refusals that speak of the message: spam, viruses, size, attachments, form."""

from tracker.explain.category import Category
from tracker.explain.rules import Rule

ABOUT_MESSAGE: tuple[Rule, ...] = (
    Rule(
        "text:relay-denied",
        Category.RELAY_DENIED,
        r"relay(?:ing)? (?:access |is |was )?(?:denied|not (?:permitted|allowed)|prohibited)"
        r"|(?:no|not (?:a |an )?(?:open )?|cannot|unable to|denied) relay(?:ing)?\b"
        r"|relaying to|we do not relay|not our (?:customer|domain)|not (?:a )?local (?:domain|host)"
        r"|not authorized to send email directly|domain .{0,60}not (?:hosted|served) here",
        example="5.7.1 <bob@example.org>: Relay access denied",
        source="Postfix reject_unauth_destination, Exim relay not permitted",
    ),
    Rule(
        "text:virus",
        Category.CONTENT_VIRUS,
        r"\bvirus(?:es)?\b(?! (?:or|and) spam)|malware|trojan|infected|phishing",
        example="Malware found in attachment",
        source="ClamAV milter, amavis",
    ),
    Rule(
        "text:form",
        Category.CONTENT_FORMAT,
        r"not RFC ?\d{3,4}|RFC ?(?:2|5|53)\d\d.{0,30}complian|non-?complian"
        r"|bare (?:LF|CR|line ?feed)|(?:duplicate|multiple|missing|invalid|malformed|no) "
        r"\S{0,20} ?headers?\b"
        r"|headers? (?:too large|are? (?:invalid|malformed|missing)|error)|unicode character in a"
        r"|not a valid RFC|8-?bit|(?:message|line) (?:contains )?(?:line )?(?:is )?too long"
        r"|media error|conversion|malformed",
        example="5.7.1 This message is not RFC 5322 compliant.",
        source="RFC 5322, RFC 5321 2.3.8",
    ),
    Rule(
        "text:attachment",
        Category.CONTENT_ATTACHMENT,
        r"attachment|file(?: ?name)? (?:type|extension)|executable",
        example="5.7.0 Our system detected an illegal attachment on your message.",
        source="Google: Gmail SMTP errors and codes; Exim, MIMEDefang",
    ),
    Rule(
        "text:size",
        Category.SIZE_LIMIT,
        r"too (?:large|big)\b|message (?:is )?too long|(?:line|size) limit exceeded"
        r"|exceed.{0,60}\bsize\b|\bsize\b.{0,40}exceed|message size|maximum (?:message )?size"
        r"|larger than",
        example="5.3.4 Message size exceeds fixed limit",
        source="RFC 1870 6.1",
    ),
    Rule(
        "text:spam",
        Category.CONTENT_SPAM,
        r"\bspam|\bUBE\b|\bUCE\b|\bunsolicited|\bbulk mail|\bjunk|content (?:has been |was )?reject"
        r"|message content|content (?:filter|policy)|suspicious|considered (?:as )?spam",
        example="5.7.1 Rejected by spam filter",
        source="SpamAssassin, Rspamd, amavis",
    ),
)
