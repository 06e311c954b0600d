"""The handover certificate: who took a message for one recipient, in a form that can be checked.

`state` says what the record knows, `Seal` signs it, `document` and `print_certificate` write it
down for programs and for people, and `verify` tells somebody without Sendtrace's ledger whether
it has been altered.
"""

from tracker.proof.paper import print_certificate
from tracker.proof.seal import Seal, SealUnfit, fingerprint, key_path, open_seal
from tracker.proof.sealed import LARGEST, Certificate, NotACertificate, Verified, document, verify
from tracker.proof.statement import NoHandover, Statement, state

__all__ = [
    "LARGEST",
    "Certificate",
    "NoHandover",
    "NotACertificate",
    "Seal",
    "SealUnfit",
    "Statement",
    "Verified",
    "document",
    "fingerprint",
    "key_path",
    "open_seal",
    "print_certificate",
    "state",
    "verify",
]
