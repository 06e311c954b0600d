"""The client side of SMTP (RFC 5321), on aiosmtplib's protocol class.

`replies`      octets of a server become replies; pure
`wire`         one TCP connection: commands out, replies in, strictly paired
`commands`     the lines we send, with their ESMTP parameters; pure
`content`      dot-stuffing of content in chunks; pure
`session`      greeting, EHLO, STARTTLS, AUTH: a connection that is ready for mail
`transaction`  MAIL, RCPT, DATA and the final dot, with a ruling for each recipient
`remote_id`    the receiver's own queue id inside its 250; pure

Retries, other targets and the fate of recipients are the business of `relay.deliver`.
"""
