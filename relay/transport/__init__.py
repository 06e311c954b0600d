"""The client side of SMTP (RFC 5321), on aiosmtplib's protocol class.

`replies`      octets of a server become replies; pure
`wire`         one TCP connection: commands out, replies in, strictly paired
`commands`     the lines we send, with their ESMTP parameters; pure
`content`      dot-stuffing of content in chunks; pure
`auth`         AUTH at a smarthost
`evidence`     what is written down while we talk
`session`      greeting, EHLO, STARTTLS, AUTH: a connection that is ready for mail
`transaction`  MAIL, RCPT, DATA and the final dot, with a ruling for each recipient
`probe`        a transaction that stops before the message

Retries, other targets and the fate of recipients are the business of `relay.deliver`.
"""
