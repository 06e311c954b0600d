"""What is allowed and hardly meant is told; what is usual is not."""

import pytest

from config.doubts import doubts
from tests.unit.config.reading import Load

USUAL = """
hostname = "mail.example.org"

[submission]
certificate = "/etc/ssl/certs/x.pem"
trusted_networks = ["127.0.0.0/8", "::1/128", "10.0.0.0/8", "192.0.2.0/24", "fd00::/8"]

[[submission.listeners]]
address = "0.0.0.0:587"
tls = "starttls"
auth = "required"

[[submission.listeners]]
address = "10.0.0.1:25"

[panel]
address = "10.0.0.1:443"
certificate = "/etc/ssl/certs/x.pem"
"""


def test_a_usual_configuration_raises_none(load_text: Load) -> None:
    assert list(doubts(load_text(USUAL).settings)) == []


@pytest.mark.parametrize(
    ("old", "new", "begins"),
    [
        ("mail.example.org", "localhost.localdomain", "hostname: localhost.localdomain is good"),
        ("192.0.2.0/24", "0.0.0.0/0", "submission.trusted_networks[3]: everybody in"),
        ("192.0.2.0/24", "198.0.0.0/8", "submission.trusted_networks[3]: everybody in"),
        ("fd00::/8", "::/0", "submission.trusted_networks[4]: everybody in"),
        (
            ', "10.0.0.0/8", "192.0.2.0/24", "fd00::/8"',
            "",
            "submission.listeners[1]: nobody but this machine can submit",
        ),
        (
            '[panel]\naddress = "10.0.0.1:443"\ncertificate = "/etc/ssl/certs/x.pem"',
            '[panel]\naddress = "10.0.0.1:80"',
            'panel.address: "10.0.0.1:80" serves log-ins in clear text',
        ),
        (
            "[panel]",
            "[delivery]\nallow_private_destinations = true\n\n[panel]",
            "delivery.allow_private_destinations: ",
        ),
    ],
)
def test_a_doubt_names_its_key(old: str, new: str, begins: str, load_text: Load) -> None:
    (doubt,) = doubts(load_text(USUAL.replace(old, new)).settings)
    assert doubt.startswith(begins)


def test_a_proxy_may_add_the_tls(load_text: Load) -> None:
    text = USUAL.replace(
        'certificate = "/etc/ssl/certs/x.pem"\n', 'trusted_proxies = ["10.0.0.2/32"]\n'
    ).replace("[submission]\n", '[submission]\ncertificate = "/etc/ssl/certs/x.pem"\n')
    assert list(doubts(load_text(text).settings)) == []
