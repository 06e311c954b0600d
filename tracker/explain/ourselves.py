"""What happened where no server said anything: by our own sentence, its origin and the phase."""

from collections.abc import Mapping
from types import MappingProxyType

from tracker.explain.category import Category
from tracker.explain.rules import Rule
from tracker.model import Attempt, Origin, Phase

OUR_SENTENCES = (
    Rule(
        "own:null-mx",
        Category.DOMAIN_NO_MAIL,
        r"\bnull MX\b|accepts no mail",
        example="The domain accepts no mail (null MX)",
        source="RFC 7505",
    ),
    Rule(
        "own:nxdomain",
        Category.DOMAIN_UNKNOWN,
        r"\bNXDOMAIN\b|domain\b.{0,80}\bdoes not exist|no such domain",
        example="The domain example.invalid does not exist",
        source="RFC 5321 5.1",
    ),
    Rule(
        "own:loop",
        Category.ROUTING_LOOP,
        r"\bloops?\b|too many hops|leads? back to (?:us|this)|MX.{0,40}\bourselves\b",
        example="The mail loops: 50 Received fields",
        source="RFC 5321 6.3",
    ),
    Rule(
        "own:smtputf8",
        Category.SMTPUTF8_UNSUPPORTED,
        r"\bSMTPUTF8\b",
        example="The server does not offer SMTPUTF8",
        source="RFC 6531 3.2",
    ),
    Rule(
        "own:size",
        Category.SIZE_LIMIT,
        r"larger than|too (?:large|big)|\bSIZE\b",
        example="The message is larger than the server takes",
        source="RFC 1870 6.1",
    ),
    Rule(
        "own:tls",
        Category.TLS_FAILED,
        r"\b(?:TLS|STARTTLS|DANE|TLSA|MTA-STS|certificate)\b",
        example="TLS is required (MTA-STS) and the certificate names another host",
        source="RFC 8461 5, RFC 7672 2.2",
    ),
)

PHASES: Mapping[Phase, Category] = MappingProxyType(
    {
        Phase.ROUTING: Category.ROUTING_LOOP,
        Phase.DNS: Category.DNS_FAILURE,
        Phase.CONNECT: Category.CONNECT_FAILED,
        Phase.GREETING: Category.CONNECT_FAILED,
        Phase.EHLO: Category.CONNECTION_LOST,
        Phase.STARTTLS: Category.TLS_FAILED,
        Phase.AUTH: Category.LOGIN_REFUSED,
        Phase.MAIL: Category.CONNECTION_LOST,
        Phase.RCPT: Category.CONNECTION_LOST,
        Phase.DATA: Category.CONNECTION_LOST,
        Phase.CONTENT: Category.CONNECTION_LOST,
        Phase.FINAL_DOT: Category.CONNECTION_LOST,
    }
)


def explain_our_error(attempt: Attempt) -> tuple[str, Category]:
    """Return rule and category of an attempt that ended without a server's refusal."""
    if attempt.origin is Origin.LOCAL:
        return "origin:local", Category.LOCAL_FAULT
    for rule in OUR_SENTENCES:
        if rule.matches(attempt.detail):
            return rule.name, rule.category
    return f"phase:{attempt.phase}", PHASES[attempt.phase]
