"""TLS in words."""

import pytest
from msgspec.structs import replace

from tests.support.letters import DANE, TLS, accepted
from tests.unit.web.test_standing import attempt
from tracker.model import Phase, TargetTry, TlsFacts, Verification
from web.message.protection import protection_of

TRIED = attempt(accepted()).tries[-1]


def tried(**changes: object) -> TargetTry:
    return replace(TRIED, **changes)


@pytest.mark.parametrize(
    ("tls", "words", "meaning"),
    [
        (DANE, "Encrypted with TLS 1.3; certificate verified by DANE", "in signed DNS"),
        (
            TLS,
            "Encrypted with TLS 1.3; certificate verified by a certificate authority (PKIX)",
            "vouches that this host may use its name",
        ),
        (
            TlsFacts(version="TLSv1.2", cipher="AES"),
            "Encrypted with TLS 1.2; certificate not verified",
            "nothing proves that the other end was the right server",
        ),
    ],
    ids=["DANE", "PKIX", "not verified"],
)
def test_tls_in_words(tls: TlsFacts, words: str, meaning: str) -> None:
    told = protection_of(tried(tls=tls))
    assert told is not None
    assert told.words == words
    assert meaning in told.meaning


def test_the_certificate_is_told_as_far_as_it_is_known() -> None:
    told = protection_of(tried(tls=DANE))
    assert told is not None
    assert told.certificate == (
        "cipher TLS_AES_256_GCM_SHA384; the certificate names mx1.greycastle.example; "
        "issued by E7, Let's Encrypt; valid until 2026-04-22"
    )
    told = protection_of(tried(tls=TlsFacts(version="TLSv1.3", cipher="AES")))
    assert told is not None
    assert told.certificate == "cipher AES"


@pytest.mark.parametrize(
    ("phase", "problem", "words", "is_in_clear"),
    [
        (Phase.FINAL_DOT, None, "Not encrypted", True),
        (Phase.RCPT, "handshake failed", "Not encrypted: handshake failed", True),
        (Phase.GREETING, None, "It ended before encryption could begin", False),
        (
            Phase.STARTTLS,
            "handshake failed",
            "It ended before encryption could begin: handshake failed",
            False,
        ),
    ],
)
def test_without_tls(phase: Phase, problem: str | None, words: str, is_in_clear: bool) -> None:
    told = protection_of(tried(phase=phase, tls=None, tls_problem=problem))
    assert told is not None
    assert told.words == words
    assert ("can read it" in told.meaning) is is_in_clear


@pytest.mark.parametrize("changes", [{"skipped": True}, {"phase": Phase.CONNECT}])
def test_what_was_no_connection_had_no_protection(changes: dict[str, object]) -> None:
    assert protection_of(tried(**changes)) is None


@pytest.mark.parametrize("verified_by", Verification)
def test_every_verification_has_words(verified_by: Verification) -> None:
    told = protection_of(tried(tls=replace(TLS, verified_by=verified_by)))
    assert told is not None
    assert told.words
    assert told.meaning


@pytest.mark.parametrize("policy", ["off", "opportunistic", "verified", "implicit"])
def test_every_policy_has_words(policy: str) -> None:
    told = protection_of(tried(tls_policy=policy))
    assert told is not None
    assert told.policy not in ("", policy)
