"""Every category in plain words: what happened, and what the sender can do.

Simple language on purpose; the server's own words are always shown beside it.
"""

from collections.abc import Mapping
from types import MappingProxyType

from tracker.explain.category import Category, Meaning, Side

_OURS = "Nothing. Our operators have to solve this; send the message again after that."
_ASK_ADMIN = "Ask the recipient another way to have it changed, and quote the server's words."

MEANINGS: Mapping[Category, Meaning] = MappingProxyType(
    {
        Category.ACCEPTED: Meaning(
            side=Side.RECIPIENT,
            what_happened="The recipient's mail server took the message. Where it went inside, "
            "for example into a spam folder, only that server knows.",
            once_failed="Nothing.",
            while_waiting="Nothing.",
            who_can_fix="Nothing needs fixing.",
        ),
        Category.ADDRESS_UNKNOWN: Meaning(
            side=Side.RECIPIENT,
            what_happened="This address does not exist at the recipient's mail server.",
            once_failed="Check the spelling, or ask the recipient for the current address. "
            "Sending to this one again will not help.",
            while_waiting="Check the spelling of the address. We keep trying meanwhile.",
            who_can_fix="You, with the right address.",
        ),
        Category.ADDRESS_SYNTAX: Meaning(
            side=Side.SENDER,
            what_happened="The recipient's mail server cannot read the address as it is written.",
            once_failed="Correct the address and send the message again.",
        ),
        Category.ADDRESS_MOVED: Meaning(
            side=Side.RECIPIENT,
            what_happened="The mailbox has moved to another address.",
            once_failed="Use the new address; the server's words may name it.",
            who_can_fix="You, with the new address.",
        ),
        Category.DOMAIN_UNKNOWN: Meaning(
            side=Side.SENDER,
            what_happened="The part of the address after the @ does not exist on the Internet.",
            once_failed="Check the spelling of that part and send the message again.",
            while_waiting="Check the spelling of that part. We keep trying meanwhile.",
        ),
        Category.DOMAIN_NO_MAIL: Meaning(
            side=Side.RECIPIENT,
            what_happened="This domain has declared that it accepts no mail at all.",
            once_failed="Reach the recipient at another address or another way.",
        ),
        Category.DOMAIN_UNROUTABLE: Meaning(
            side=Side.RECIPIENT,
            what_happened="There is no mail server that could take mail for the part of the "
            "address after the @.",
            once_failed="Check the spelling of that part, or reach the recipient another way.",
            while_waiting="Check the spelling of that part. We keep trying meanwhile.",
        ),
        Category.MAILBOX_DISABLED: Meaning(
            side=Side.RECIPIENT,
            what_happened="The mailbox is closed, suspended or no longer used.",
            once_failed="Ask the recipient another way for an address that is in use.",
        ),
        Category.MAILBOX_FULL: Meaning(
            side=Side.RECIPIENT,
            what_happened="The recipient's mailbox is full.",
            once_failed="Tell the recipient another way, and send again when there is room.",
            while_waiting="Tell the recipient another way, if it is urgent. We keep trying.",
        ),
        Category.RECIPIENT_FILTERED: Meaning(
            side=Side.RECIPIENT,
            what_happened="This address takes mail only from certain senders, "
            "and you are not one of them.",
            once_failed="Ask the recipient another way to allow your address.",
        ),
        Category.RECIPIENT_THROTTLED: Meaning(
            side=Side.RECIPIENT,
            what_happened="The recipient is getting more mail right now than the server allows.",
            once_failed="Send the message again later.",
        ),
        Category.GREYLISTED: Meaning(
            side=Side.RECIPIENT,
            what_happened="The recipient's server makes first-time senders wait, as a test "
            "against spam. That is normal.",
            once_failed="Send the message again; if it fails again, tell the recipient.",
            while_waiting="Nothing. It usually takes minutes, and we try again by ourselves.",
        ),
        Category.RATE_LIMITED: Meaning(
            side=Side.OPERATOR,
            what_happened="The recipient's server asks us to send more slowly.",
            once_failed="Send the message again later.",
            while_waiting="Nothing. We slow down and try again.",
        ),
        Category.TOO_MANY_RECIPIENTS: Meaning(
            side=Side.OPERATOR,
            what_happened="The server takes only so many recipients at once.",
            once_failed="Send the message again to fewer recipients at a time.",
            while_waiting="Nothing. We hand the others over separately.",
        ),
        Category.SIZE_LIMIT: Meaning(
            side=Side.SENDER,
            what_happened="The message is larger than the recipient's server accepts.",
            once_failed="Send smaller attachments, or a link to the files.",
        ),
        Category.CONTENT_SPAM: Meaning(
            side=Side.SENDER,
            what_happened="The recipient's filter took the message for spam.",
            once_failed="Change the text and the links in it, or ask the recipient to allow "
            "your address, and send it again.",
        ),
        Category.CONTENT_VIRUS: Meaning(
            side=Side.SENDER,
            what_happened="The recipient's scanner found something harmful in the message.",
            once_failed="Leave the attachment out, check your device for viruses, and send again.",
        ),
        Category.CONTENT_ATTACHMENT: Meaning(
            side=Side.SENDER,
            what_happened="The recipient's server refuses attachments of this kind.",
            once_failed="Send the file another way, for example as a link.",
        ),
        Category.CONTENT_FORMAT: Meaning(
            side=Side.SENDER,
            what_happened="The message breaks a rule of how mail has to be written.",
            once_failed="Send it from another mail program, and report the fault to whoever made "
            "the one that wrote it.",
            who_can_fix="Whoever made the program that wrote the message.",
        ),
        Category.AUTHENTICATION: Meaning(
            side=Side.SENDER,
            what_happened="The recipient's server could not confirm that the message comes from "
            "your domain (SPF, DKIM or DMARC).",
            once_failed="Show the server's words to whoever looks after your domain. Send again "
            "when its records are right.",
            while_waiting="Show the server's words to whoever looks after your domain.",
            who_can_fix="Whoever looks after the domain of your address.",
        ),
        Category.SENDER_REJECTED: Meaning(
            side=Side.SENDER,
            what_happened="The recipient's server refuses the address you send from.",
            once_failed="Check the From address and its domain, and send the message again.",
            while_waiting="Check that the address you send from exists and can be answered.",
        ),
        Category.IP_BLOCKLISTED: Meaning(
            side=Side.OPERATOR,
            what_happened="The address of our mail server is on a block list.",
            once_failed=_OURS,
        ),
        Category.DOMAIN_BLOCKLISTED: Meaning(
            side=Side.SENDER,
            what_happened="Your domain, or a link in the message, is on a block list.",
            once_failed="Ask whoever looks after your domain to have it taken off the list, or "
            "leave the link out.",
            who_can_fix="You, or whoever looks after your domain.",
        ),
        Category.REPUTATION_LOW: Meaning(
            side=Side.OPERATOR,
            what_happened="The recipient's server does not trust mail from our server enough.",
            once_failed=_OURS,
        ),
        Category.PTR_MISSING: Meaning(
            side=Side.OPERATOR,
            what_happened="The recipient's server is not content with the name record "
            "(reverse DNS) of our server.",
            once_failed=_OURS,
        ),
        Category.POLICY_REFUSED: Meaning(
            side=Side.RECIPIENT,
            what_happened="A rule of the recipient's server forbids this message.",
            once_failed=_ASK_ADMIN,
        ),
        Category.RELAY_DENIED: Meaning(
            side=Side.RECIPIENT,
            what_happened="The server that is named for this domain says that it does not take "
            "mail for it.",
            once_failed=_ASK_ADMIN,
        ),
        Category.LOGIN_REFUSED: Meaning(
            side=Side.OPERATOR,
            what_happened="The next mail server wants a log-in, or refuses ours.",
            once_failed=_OURS,
        ),
        Category.TLS_FAILED: Meaning(
            side=Side.RECIPIENT,
            what_happened="A protected connection is required here and could not be made. "
            "We never send such mail in the clear.",
            once_failed="Tell the recipient another way that the certificate or the encryption "
            "of their mail server does not work.",
        ),
        Category.DNS_FAILURE: Meaning(
            side=Side.NETWORK,
            what_happened="The directory (DNS) did not tell us where the mail has to go.",
            once_failed="Check the part of the address after the @, and send again later.",
        ),
        Category.CONNECT_FAILED: Meaning(
            side=Side.NETWORK,
            what_happened="The recipient's mail server does not answer.",
            once_failed="Reach the recipient another way; their mail server was out of order "
            "all this time.",
        ),
        Category.CONNECTION_LOST: Meaning(
            side=Side.NETWORK,
            what_happened="The connection broke before the message was handed over.",
            once_failed="Send the message again later.",
        ),
        Category.UNCERTAIN: Meaning(
            side=Side.NETWORK,
            what_happened="The connection broke just after the whole message had been sent. "
            "The recipient may have it, or may not.",
            once_failed="Ask the recipient. If you send it again, there may be two copies.",
            while_waiting="Ask the recipient, if it matters. There may be two copies.",
        ),
        Category.REMOTE_STORAGE: Meaning(
            side=Side.RECIPIENT,
            what_happened="The recipient's mail server has run out of space.",
            once_failed="Tell the recipient another way, and send again later.",
        ),
        Category.REMOTE_ERROR: Meaning(
            side=Side.RECIPIENT,
            what_happened="The recipient's mail server has a fault.",
            once_failed="Tell the recipient another way, and send again later.",
        ),
        Category.REMOTE_EXPIRED: Meaning(
            side=Side.RECIPIENT,
            what_happened="A server further on tried for too long to pass the message on.",
            once_failed="Tell the recipient another way, and send again later.",
        ),
        Category.PROTOCOL_ERROR: Meaning(
            side=Side.OPERATOR,
            what_happened="Our server and theirs did not understand each other.",
            once_failed=_OURS,
        ),
        Category.ROUTING_LOOP: Meaning(
            side=Side.RECIPIENT,
            what_happened="Mail for this address goes round in a circle.",
            once_failed=_ASK_ADMIN,
        ),
        Category.SMTPUTF8_UNSUPPORTED: Meaning(
            side=Side.RECIPIENT,
            what_happened="The recipient's server cannot take international addresses.",
            once_failed="Use plain ASCII addresses for both of you, if you have any.",
        ),
        Category.LOCAL_FAULT: Meaning(
            side=Side.OPERATOR,
            what_happened="Our own server had a fault.",
            once_failed=_OURS,
        ),
        Category.NO_REASON: Meaning(
            side=Side.RECIPIENT,
            what_happened="The recipient's server gave no usable reason.",
            once_failed=_ASK_ADMIN,
        ),
    }
)
