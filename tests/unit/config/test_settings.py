"""What the settings answer themselves, and what the declarations promise."""

import socket
from pathlib import Path
from typing import Annotated

import msgspec
import pytest

from config.schema import Field, Form, Setting, fields, leaves
from config.settings import Listener, Route, Settings, StoreSettings, SubmissionSettings

EVERY = dict(leaves(Settings))


@pytest.mark.parametrize("key", EVERY)
def test_every_setting_is_documented_in_whole_sentences(key: str) -> None:
    doc = EVERY[key].setting.doc
    assert doc.endswith(".")
    assert len(doc) > 15
    assert "  " not in doc


def sections(struct: type[msgspec.Struct]) -> list[Field]:
    found = []
    for field in fields(struct):
        if field.struct is not None:
            found += [field, *sections(field.struct)]
    return found


def test_every_section_is_documented() -> None:
    found = sections(Settings)
    assert len(found) == 12
    assert [field.name for field in found if not field.setting.doc.endswith(".")] == []


def test_what_looks_like_a_secret_is_marked_as_one() -> None:
    words = ("password", "secret", "token")
    suspects = [
        key
        for key, field in EVERY.items()
        if any(word in key for word in words) and field.form is Form.TEXT
    ]
    assert suspects == ["store.password", "routes[].password"]
    assert all(EVERY[key].setting.secret for key in suspects)


def test_no_setting_ends_like_the_name_of_a_secrets_file() -> None:
    assert [key for key in EVERY if key.endswith("_file")] == []


def test_a_field_without_a_declaration_is_refused() -> None:
    class Forgotten(msgspec.Struct):
        bare: int = 1

    with pytest.raises(TypeError, match="bare is declared without a Setting"):
        fields(Forgotten)


def test_a_field_of_an_unknown_type_is_refused() -> None:
    class Strange(msgspec.Struct):
        value: Annotated[complex, Setting("A number.")] = 1j

    with pytest.raises(TypeError, match="no form"):
        fields(Strange)


@pytest.mark.parametrize(
    ("url", "path"),
    [
        ("sqlite:///var/lib/sendtrace/ledger.db", "/var/lib/sendtrace/ledger.db"),
        ("sqlite:////var/lib/ledger.db", "/var/lib/ledger.db"),
        ("sqlite:/var/lib/ledger.db", "/var/lib/ledger.db"),
        ("sqlite:./var/ledger.db", "var/ledger.db"),
        ("sqlite:var/ledger.db", "var/ledger.db"),
        ("sqlite:ledger.db", "ledger.db"),
    ],
)
def test_a_store_url_names_a_file(url: str, path: str) -> None:
    assert StoreSettings(url=url).sqlite_path() == Path(path)


def test_another_store_has_no_file() -> None:
    with pytest.raises(ValueError, match="starts with sqlite:"):
        StoreSettings(url="postgresql://relay@db/sendtrace").sqlite_path()


@pytest.mark.parametrize(
    ("own", "section", "expected"),
    [
        (("own.pem", "own.key"), ("all.pem", "all.key"), ("own.pem", "own.key")),
        (("own.pem", None), ("all.pem", "all.key"), ("own.pem", None)),
        ((None, None), ("all.pem", "all.key"), ("all.pem", "all.key")),
        ((None, None), (None, None), None),
    ],
)
def test_a_listener_never_mixes_two_certificates(
    own: tuple[str | None, str | None],
    section: tuple[str | None, str | None],
    expected: tuple[str, str | None] | None,
) -> None:
    def paths(pair: tuple[str | None, str | None]) -> tuple[Path | None, Path | None]:
        return Path(pair[0]) if pair[0] else None, Path(pair[1]) if pair[1] else None

    certificate, private_key = paths(own)
    listener = Listener(address="[::]:465", certificate=certificate, private_key=private_key)
    certificate, private_key = paths(section)
    submission = SubmissionSettings(certificate=certificate, private_key=private_key)
    assert submission.certificate_for(listener) == (paths(expected) if expected else None)
    assert listener.host_port() == ("::", 465)


def test_the_port_of_a_next_hop_follows_its_tls() -> None:
    def target(next_hop: str, **more: str) -> tuple[str, int]:
        route = {"domain": "*", "next_hop": next_hop, **more}
        return msgspec.convert(route, Route).target(25)

    assert target("mx.example.org") == ("mx.example.org", 25)
    assert target("mx.example.org:587") == ("mx.example.org", 587)
    assert target("mx.example.org", tls="implicit") == ("mx.example.org", 465)
    assert target("[::1]:2525", tls="implicit") == ("::1", 2525)


def test_a_password_is_not_in_the_representation() -> None:
    route = Route(domain="*", next_hop="mx.example.org", username="u", password="hunter2")
    assert "hunter2" not in repr(Settings(routes=(route,)))
    assert "mx.example.org" in repr(route)


def test_name_servers_come_with_their_ports() -> None:
    dns = msgspec.structs.replace(Settings().dns, nameservers=("127.0.0.1:5353", "[::1]:53"))
    assert dns.servers() == (("127.0.0.1", 5353), ("::1", 53))


@pytest.mark.parametrize(
    ("machine", "hostname"),
    [
        ("mail.example.org", "mail.example.org"),
        ("box", "localhost.localdomain"),
        ("my_box.local", "localhost.localdomain"),
        ("192.0.2.1", "localhost.localdomain"),
    ],
)
def test_the_hostname_is_the_machines_if_that_will_do(
    machine: str, hostname: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(socket, "gethostname", lambda: machine)
    assert Settings().hostname == hostname
