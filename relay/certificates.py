"""TLS as a server: submission and panel present certificates by the same rules."""

import ssl
from collections.abc import Iterator
from pathlib import Path

from config.settings import Certificate, Settings


def build_server_context(certificate: Path, private_key: Path | None) -> ssl.SSLContext:
    """Return a context of our own choice: TLS 1.2 and up (RFC 8996), client certificates unused.

    Without `private_key` the key is in the certificate's file. Raises OSError and ssl.SSLError
    when they cannot be read or do not belong together. Nobody is asked for a password.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.options |= ssl.OP_NO_COMPRESSION | ssl.OP_NO_RENEGOTIATION
    context.load_cert_chain(certificate, private_key, password=_refuse_to_ask)
    return context


def find_unusable(settings: Settings) -> Iterator[str]:
    """Yield what is wrong with each certificate that cannot be used, and how to mend it."""
    for key, pair in _pairs(settings):
        why = _why_unusable(pair)
        if why is not None:
            yield (
                f"{key}: the certificate {pair.certificate} cannot be used: {why}; "
                "name a PEM file with the certificate chain, and its private key"
            )


def _pairs(settings: Settings) -> Iterator[tuple[str, Certificate]]:
    submission, panel = settings.submission, settings.panel
    for listener in submission.listeners:
        pair = submission.certificate_for(listener)
        # One that has TLS and no certificate is refused before it comes to this.
        if listener.tls != "none" and pair is not None:
            yield "submission.listeners", pair
    if panel.certificate is not None:
        yield "panel.certificate", Certificate(panel.certificate, panel.private_key)


def _why_unusable(pair: Certificate) -> str | None:
    key = pair.private_key or pair.certificate
    for path in (pair.certificate, key):  # the library's words do not say which of them it is
        try:
            path.open("rb").close()
        except OSError as error:
            return f"{path}: {error.strerror}"
    try:
        build_server_context(pair.certificate, pair.private_key)
    except ssl.SSLError as error:
        if error.reason == "KEY_VALUES_MISMATCH":
            return f"the private key in {key} belongs to another certificate"
        if not error.reason:  # "PEM lib", it says
            return f"there is no PEM certificate in {pair.certificate}, or no PEM key in {key}"
        return str(error)
    except OSError as error:
        return str(error)
    return None


def _refuse_to_ask() -> str:
    raise OSError("the private key is encrypted, and nobody is there to be asked for its password")
