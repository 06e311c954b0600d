"""`sendtrace serve` as a whole: what it refuses to start with, and SIGHUP."""

import resource
import signal
import smtplib
import ssl
from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization

from tests.support.certificates import make_identity
from tests.support.ports import free_port
from tests.support.service import Service
from tests.support.waiting import is_listening, wait_until

HOST = "relay.sendtrace.test"


def tls_listener(folder: Path, port: int) -> str:
    return (
        f'\n[[submission.listeners]]\naddress = "127.0.0.1:{port}"\ntls = "implicit"\n'
        f'certificate = "{folder}/certificate.pem"\nprivate_key = "{folder}/key.pem"\n'
    )


def put_identity(folder: Path, name: str = HOST) -> None:
    """Make a certificate at the names that `tls_listener` has."""
    made = folder / "made"
    made.mkdir(exist_ok=True)
    identity = make_identity(made, name)
    (folder / "certificate.pem").write_bytes(identity.certificate.read_bytes())
    (folder / "key.pem").write_bytes(identity.private_key.read_bytes())


def certificate_at(port: int) -> str:
    return ssl.get_server_certificate(("127.0.0.1", port))


def break_the_certificate(folder: Path) -> None:
    (folder / "certificate.pem").write_text("no certificate\n")


def take_away_the_key(folder: Path) -> None:
    (folder / "key.pem").unlink()


def take_the_key_of_another(folder: Path) -> None:
    certificate = (folder / "certificate.pem").read_text()
    put_identity(folder, "other.sendtrace.test")
    (folder / "certificate.pem").write_text(certificate)


def encrypt_the_key(folder: Path) -> None:
    path = folder / "key.pem"
    key = serialization.load_pem_private_key(path.read_bytes(), None)
    path.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.BestAvailableEncryption(b"secret"),
        )
    )


@pytest.mark.parametrize(
    ("harm", "why"),
    [
        (break_the_certificate, "there is no PEM certificate in {folder}/certificate.pem"),
        (take_away_the_key, "{folder}/key.pem: No such file or directory"),
        (take_the_key_of_another, "the private key in {folder}/key.pem belongs to another"),
        (encrypt_the_key, "the private key is encrypted"),
    ],
)
def test_a_certificate_that_cannot_be_used_is_named_and_nothing_starts(
    tmp_path: Path, harm: Callable[[Path], None], why: str
) -> None:
    put_identity(tmp_path)
    harm(tmp_path)
    service = Service(tmp_path, settings=tls_listener(tmp_path, free_port()))
    with pytest.raises(AssertionError):
        service.start()
    log = service.log()
    assert f"the certificate {tmp_path}/certificate.pem cannot be used" in log
    assert why.format(folder=tmp_path) in log
    assert "Traceback" not in log
    with pytest.raises(AssertionError, match="cannot be used"):
        service.run("config", "check")
    assert not is_listening("127.0.0.1", service.submission_port)


def test_sighup_brings_new_certificates_and_settings_and_refuses_bad_ones(tmp_path: Path) -> None:
    port = free_port()
    put_identity(tmp_path)
    service = Service(tmp_path, workers=1, settings=tls_listener(tmp_path, port))
    with service.running():
        first = certificate_at(port)
        good = service.configuration.read_text()

        def renew() -> None:
            service.signal_supervisor(signal.SIGHUP)

        break_the_certificate(tmp_path)
        renew()
        wait_until(lambda: "configuration not reloaded" in service.log(), "the refusal")
        assert "cannot be used" in service.log()
        service.configuration.write_text(good.replace("workers = 1", "workers = 1\nworkers = 2"))
        put_identity(tmp_path, "new.sendtrace.test")
        renew()
        wait_until(lambda: service.log().count("configuration not reloaded") == 2, "the refusal")
        assert certificate_at(port) == first
        first_listener = "[[submission.listeners]]"
        smaller = f'[submission]\nmax_message_size = "1MiB"\n\n{first_listener}'
        service.configuration.write_text(good.replace(first_listener, smaller, 1))
        renew()
        wait_until(lambda: certificate_at(port) != first, "the new certificate")
        wait_until(lambda: announced_size(service) == "1048576", "the new settings")


@pytest.mark.parametrize(
    ("key", "old", "new"),
    [
        ("state_directory", '/state"', '/elsewhere"'),
        ("store.url", '/ledger.db"', '/elsewhere.db"'),
    ],
)
def test_a_reload_does_not_leave_the_mail_behind(
    tmp_path: Path, key: str, old: str, new: str
) -> None:
    service = Service(tmp_path, workers=1)
    with service.running():
        good = service.configuration.read_text()
        service.configuration.write_text(good.replace(old, new, 1))
        service.signal_supervisor(signal.SIGHUP)
        wait_until(lambda: "configuration not reloaded" in service.log(), "the refusal")
        assert f"{key}: changes with a restart only" in service.log()
        assert "configuration reloaded" not in service.log()
        service.configuration.write_text(good.replace('grace = "15s"', 'grace = "16s"'))
        service.signal_supervisor(signal.SIGHUP)
        wait_until(lambda: "configuration reloaded" in service.log(), "the reload")
        assert "changed=shutdown_grace" in service.log()
    assert not list(tmp_path.glob("elsewhere*"))


def announced_size(service: Service) -> str | None:
    try:
        with smtplib.SMTP("127.0.0.1", service.submission_port) as client:
            client.ehlo()
            return client.esmtp_features.get("size")
    except (OSError, smtplib.SMTPException):
        return None


def test_the_relay_may_have_as_many_connections_as_the_system_lets_it(tmp_path: Path) -> None:
    service = Service(tmp_path)
    service.start(prefix=("prlimit", "--nofile=256:4096"))
    try:
        assert resource.prlimit(service.pid, resource.RLIMIT_NOFILE) == (4096, 4096)
    finally:
        service.kill()
