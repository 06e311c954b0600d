"""Bounces as other systems write them, in the words and the order of each."""

POSTFIX = """\
Return-Path: <>
Received: by mail.example.net (Postfix)
	id 4bXyZ12Q; Mon,  2 Mar 2026 10:00:03 +0100 (CET)
Date: Mon,  2 Mar 2026 10:00:03 +0100 (CET)
From: MAILER-DAEMON@mail.example.net (Mail Delivery System)
Subject: Undelivered Mail Returned to Sender
To: alice@example.com
Auto-Submitted: auto-replied
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status;
	boundary="4bXyZ10A.1741000003/mail.example.net"
Message-Id: <20260302090003.4bXyZ12Q@mail.example.net>

This is a MIME-encapsulated message.

--4bXyZ10A.1741000003/mail.example.net
Content-Description: Notification
Content-Type: text/plain; charset=us-ascii

This is the mail system at host mail.example.net.

I'm sorry to have to inform you that your message could not
be delivered to one or more recipients. It's attached below.

<bob@example.org>: host mx1.example.org[198.51.100.25] said: 550 5.1.1
    <bob@example.org>: Recipient address rejected: User unknown (in reply to
    RCPT TO command)

--4bXyZ10A.1741000003/mail.example.net
Content-Description: Delivery report
Content-Type: message/delivery-status

Reporting-MTA: dns; mail.example.net
X-Postfix-Queue-ID: 4bXyZ10A
X-Postfix-Sender: rfc822; alice@example.com
Arrival-Date: Mon,  2 Mar 2026 10:00:01 +0100 (CET)

Final-Recipient: rfc822; bob@example.org
Original-Recipient: rfc822;bob@example.org
Action: failed
Status: 5.1.1
Remote-MTA: dns; mx1.example.org
Diagnostic-Code: smtp; 550 5.1.1 <bob@example.org>: Recipient address rejected:
    User unknown

--4bXyZ10A.1741000003/mail.example.net
Content-Description: Undelivered Message Headers
Content-Type: text/rfc822-headers

Return-Path: <alice@example.com>
From: Alice <alice@example.com>
To: bob@example.org
Subject: Figures
Message-ID: <one@client.example.com>

--4bXyZ10A.1741000003/mail.example.net--
"""

EXIM = """\
Return-path: <>
From: Mail Delivery System <Mailer-Daemon@exim.example.net>
To: alice@example.com
Auto-Submitted: auto-replied
Subject: Mail delivery failed: returning message to sender
Message-Id: <E1tQabc-0001Ab-2C@exim.example.net>
Date: Mon, 02 Mar 2026 10:00:03 +0100

This message was created automatically by mail delivery software.

A message that you sent could not be delivered to one or more of its
recipients. This is a permanent error. The following address(es) failed:

  bob@example.org
    host mx1.example.org [198.51.100.25]
    SMTP error from remote mail server after RCPT TO:<bob@example.org>:
    550 5.1.1 User unknown

------ This is a copy of the message, including all the headers. ------

Return-path: <alice@example.com>
Received: from client.example.com ([192.0.2.7])
	by exim.example.net with esmtps (Exim 4.98)
	id 1tQabc-0001Aa-1B
	for bob@example.org; Mon, 02 Mar 2026 10:00:01 +0100
Message-ID: <two@client.example.com>
From: Alice <alice@example.com>
"""

EXCHANGE = """\
From: Microsoft Outlook <MicrosoftExchange329e71ec88ae4615bbc36ab6ce41109e@example.org>
To: alice@example.com
Date: Mon, 2 Mar 2026 09:00:03 +0000
Content-Type: multipart/report; report-type=delivery-status; boundary="b1"
Content-Language: en-US
Message-ID: <8ef2c1d0-9a0b-4c5d-8e7f-001122334455@AM0PR01MB0001.example.org>
In-Reply-To: <three@client.example.com>
References: <three@client.example.com>
Subject: Undeliverable: Figures
Auto-Submitted: auto-replied

--b1
Content-Type: text/plain; charset="us-ascii"

Delivery has failed to these recipients or groups:

bob@example.org<mailto:bob@example.org>
The email address you entered couldn't be found.

Diagnostic information for administrators:

Generating server: AM0PR01MB0001.example.org

bob@example.org
Remote server returned '550 5.1.10 RESOLVER.ADR.RecipientNotFound; Recipient not found'

--b1
Content-Type: message/delivery-status

Reporting-MTA: dns;AM0PR01MB0001.example.org
Received-From-MTA: dns;mail.example.com
Arrival-Date: Mon, 2 Mar 2026 09:00:02 +0000

Final-Recipient: rfc822;bob@example.org
Action: failed
Status: 5.1.10
Diagnostic-Code: smtp;550 5.1.10 RESOLVER.ADR.RecipientNotFound

--b1--
"""

GMAIL = """\
Delivered-To: alice@example.com
From: Mail Delivery Subsystem <mailer-daemon@googlemail.com>
To: alice@example.com
Auto-Submitted: auto-replied
Subject: Delivery Status Notification (Failure)
References: <four@client.example.com>
In-Reply-To: <four@client.example.com>
X-Failed-Recipients: bob@example.org
Message-ID: <67c41a73.050a0220.1a2b3c.4d5e@mx.google.com>
Date: Mon, 02 Mar 2026 01:00:03 -0800 (PST)
Content-Type: multipart/report; boundary="0000000000001"; report-type=delivery-status

--0000000000001
Content-Type: text/plain; charset="UTF-8"

** Address not found **

Your message wasn't delivered to bob@example.org because the address couldn't
be found, or is unable to receive mail.

The response from the remote server was:
550 5.1.1 No such user

--0000000000001
Content-Type: message/delivery-status

Reporting-MTA: dns; googlemail.com
Received-From-MTA: dns; alice@example.com
Arrival-Date: Mon, 02 Mar 2026 01:00:02 -0800 (PST)
X-Original-Message-ID: <four@client.example.com>

Final-Recipient: rfc822; bob@example.org
Action: failed
Status: 5.1.1

--0000000000001--
"""

QMAIL = """\
Return-Path: <>
Received: (qmail 12345 invoked for bounce); 2 Mar 2026 09:00:03 -0000
Date: 2 Mar 2026 09:00:03 -0000
From: MAILER-DAEMON@qmail.example.net
To: alice@example.com
Subject: failure notice

Hi. This is the qmail-send program at qmail.example.net.
I'm afraid I wasn't able to deliver your message to the following addresses.
This is a permanent error; I've given up. Sorry it didn't work out.

<bob@example.org>:
198.51.100.25 does not like recipient.
Remote host said: 550 sorry, no mailbox here by that name
Giving up on 198.51.100.25.

--- Below this line is a copy of the message.

Return-Path: <alice@example.com>
Received: (qmail 12340 invoked from network); 2 Mar 2026 09:00:01 -0000
From: Alice <alice@example.com>
Message-ID: <five@client.example.com>
"""

ENVELOPE_ID_ONLY = """\
From: postmaster@example.net
To: alice@example.com
Subject: Delivery delayed
Content-Type: multipart/report; report-type=delivery-status; boundary=b

--b
Content-Type: message/delivery-status

Original-Envelope-Id: QQ+1
Reporting-MTA: dns; example.net

Final-Recipient: rfc822; bob@example.org
Action: delayed
Status: 4.4.1

--b--
"""

NO_ID = """\
The original message was received at Mon, 2 Mar 2026 10:00:00 +0100
from client.example.com [192.0.2.7]

   ----- The following addresses had permanent fatal errors -----
<bob@example.org>
    (reason: 550 5.1.1 <bob@example.org>... User unknown)

   ----- Transcript of session follows -----
... while talking to mx1.example.org.:
>>> DATA
<<< 550 5.1.1 <bob@example.org>... User unknown
Returned mail: see transcript for details
"""
