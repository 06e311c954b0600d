"""TLS as a server: submission and panel present certificates by the same rules."""

import ssl
from pathlib import Path


def build_server_context(certificate: Path, private_key: Path | None) -> ssl.SSLContext:
    """Return a context of our own choice: TLS 1.2 and up (RFC 8996), client certificates unused.

    Without `private_key` the key is in the certificate's file. Raises OSError and ssl.SSLError
    when they cannot be read or do not belong together.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.options |= ssl.OP_NO_COMPRESSION | ssl.OP_NO_RENEGOTIATION
    context.load_cert_chain(certificate, private_key)
    return context
