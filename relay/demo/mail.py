"""Sample mail: what a small company sends on an ordinary morning."""

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP, SMTPUTF8
from email.utils import format_datetime

ANNA = Address("Anna Lindqvist", "anna", "northwind.example")
SHOP = Address("Northwind Shop", "orders", "northwind.example")
NEWS = Address("Northwind Nachrichten", "news", "northwind.example")


@dataclass(frozen=True)
class Sample:
    """One submission."""

    sender: Address
    recipients: tuple[str, ...]
    subject: str
    text: str
    html: str = ""
    attachment: str = ""
    """Name of a file to attach: .csv or .pdf."""

    def compose(self, now: datetime, serial: int) -> EmailMessage:
        """Return the message, dated `now`, with a Message-ID made of `serial`."""
        message = EmailMessage()
        message["From"] = self.sender
        message["To"] = ", ".join(self.recipients)
        message["Subject"] = self.subject
        message["Date"] = format_datetime(now)
        message["Message-ID"] = f"<{now:%Y%m%d%H%M%S}.{serial:04}@northwind.example>"
        message.set_content(self.text)
        if self.html:
            message.add_alternative(self.html, subtype="html")
        if self.attachment.endswith(".csv"):
            message.add_attachment(_make_table(), subtype="csv", filename=self.attachment)
        elif self.attachment:
            message.add_attachment(
                _make_pdf(), maintype="application", subtype="pdf", filename=self.attachment
            )
        return message

    @property
    def needs_smtputf8(self) -> bool:
        """True when an address has characters beyond ASCII (RFC 6531)."""
        return not all(recipient.isascii() for recipient in self.recipients)

    def octets_of(self, message: EmailMessage) -> bytes:
        """Return a message that `compose` made as it goes over the wire."""
        return message.as_bytes(policy=SMTPUTF8 if self.needs_smtputf8 else SMTP)


SAMPLES: Sequence[Sample] = (
    Sample(
        sender=SHOP,
        recipients=("amy.chen@bluebird.example",),
        subject="Your order #20417 has shipped",
        text="Dear Amy,\n\nyour parcel left our warehouse this morning.\n\nNorthwind Shop\n",
        html="<p>Dear Amy,</p><p>your parcel left our warehouse <b>this morning</b>.</p>",
    ),
    Sample(
        sender=SHOP,
        recipients=("buchhaltung@bluebird.example", "amy.chen@greycastle.example"),
        subject="Rechnung 2041 für März – danke für Ihren Einkauf ☕",
        text="Guten Tag,\n\nanbei die Rechnung. Zahlbar in 14 Tagen.\n\nMit besten Grüßen\n",
        attachment="Rechnung-2041.pdf",
    ),
    Sample(
        sender=NEWS,
        recipients=(
            "amy@bluebird.example",
            "bo@greycastle.example",
            "cem@fullhouse.example",
            "dora@nobodyhome.example",
            "eve@gatekeeper.example",
            "finn@twodoors.example",
        ),
        subject="Northwind im Frühling: fünf neue Röstungen",
        text="Liebe Kundschaft,\n\nder Frühling ist da.\n\nAbmelden: antworten Sie mit „Stopp“.\n",
        html="<h1>Der Frühling ist da</h1><ul><li>Äthiopien</li><li>Kolumbien</li></ul>",
    ),
    Sample(
        sender=ANNA,
        recipients=("archive@fullhouse.example",),
        subject="Quarterly figures Q1",
        text="Hi,\n\nthe figures as promised.\n\nAnna\n",
        attachment="figures-q1.csv",
    ),
    Sample(
        sender=ANNA,
        recipients=("lars@ghostport.example",),
        subject="Re: Lunch on Thursday?",
        text="Lars, half past twelve at the harbour?\n\nAnna\n",
    ),
    Sample(
        sender=ANNA,
        recipients=("ines@slowpoke.example",),
        subject="Contract, second draft",
        text="Ines,\n\nI marked what we changed.\n\nAnna\n",
        attachment="contract-draft-2.pdf",
    ),
    Sample(
        sender=SHOP,
        recipients=("oskar@dropbear.example",),
        subject="Password reset requested",
        text="Hello Oskar,\n\nuse this link within the hour: https://northwind.example/r/5jq\n",
    ),
    Sample(
        sender=SHOP,
        recipients=("press@nomail.example", "hello@no-such-domain.example"),
        subject="Invitation to our tasting",
        text="We would be glad to see you on Friday.\n",
    ),
    Sample(
        sender=ANNA,
        recipients=("山田@bluebird.example",),
        subject="見積書の件 (estimate)",
        text="山田様\n\n見積書をお送りします。\n\nAnna Lindqvist\n",
    ),
)

TO_HOLD = Sample(
    sender=NEWS,
    recipients=("gus@fullhouse.example",),
    subject="Price list (please check before it goes out)",
    text="The new price list, in force from April.\n",
    attachment="prices.csv",
)
"""Held by the administrator once it has been deferred."""

TO_CANCEL = Sample(
    sender=ANNA,
    recipients=("hanna@fullhouse.example",),
    subject="Sent by mistake, sorry",
    text="This was meant for somebody else.\n",
)
"""Cancelled by the administrator once it has been deferred."""

TO_EXPIRE = Sample(
    sender=ANNA,
    recipients=("kurt@ghostport.example",),
    subject="Are you still there?",
    text="Kurt, I have been trying for a week.\n",
)
"""Enters the ledger a week old, with seconds to live."""


def _make_table() -> str:
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerows([["month", "revenue"], ["January", 41800], ["February", 39250]])
    return text.getvalue()


def _make_pdf() -> bytes:
    """Return a PDF of one empty page."""
    objects = (
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] >>",
    )
    pdf, offsets = b"%PDF-1.4\n", []
    for number, content in enumerate(objects, 1):
        offsets.append(len(pdf))
        pdf += b"%d 0 obj\n%s\nendobj\n" % (number, content)
    table = b"".join(b"%010d 00000 n \n" % offset for offset in offsets)
    head = b"xref\n0 4\n0000000000 65535 f \n" + table
    return pdf + head + b"trailer\n<< /Size 4 /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n" % len(pdf)
