"""Conditions between settings."""

from pathlib import Path

import pytest

from config.errors import ConfigError
from config.loader import load

LISTENER = '[[submission.listeners]]\naddress = "127.0.0.1:2525"\n'
ROUTE = '[[routes]]\ndomain = "*"\nnext_hop = "mx.example.net"\n'
LOGIN = 'username = "relay"\npassword = "x"\n'


def keys_of(text: str, folder: Path) -> list[str]:
    """Return the keys of all problems of a file."""
    path = folder / "sendtrace.toml"
    path.write_text(text, encoding="utf-8")
    try:
        load(path, {})
    except ConfigError as error:
        return [problem.key for problem in error.problems]
    return []


BROKEN = {
    "starttls without certificate": (
        f'{LISTENER}tls = "starttls"',
        "submission.listeners[0].certificate",
    ),
    "implicit tls without certificate": (
        f'{LISTENER}tls = "implicit"',
        "submission.listeners[0].certificate",
    ),
    "only another listener has a certificate": (
        f'{LISTENER}certificate = "a.pem"\n{LISTENER.replace("2525", "465")}tls = "implicit"',
        "submission.listeners[1].certificate",
    ),
    "key without certificate": (
        '[submission]\nprivate_key = "a.key"',
        "submission.certificate",
    ),
    "listener's key without certificate": (
        f'{LISTENER}private_key = "a.key"',
        "submission.listeners[0].certificate",
    ),
    "panel's key without certificate": ('[panel]\nprivate_key = "a.key"', "panel.certificate"),
    "PROXY protocol from nobody": (
        f"{LISTENER}proxy_protocol = true",
        "submission.trusted_proxies",
    ),
    "two listeners on one address": (LISTENER * 2, "submission.listeners[1].address"),
    "one address in two spellings": (
        '[[submission.listeners]]\naddress = "[::1]:25"\n'
        '[[submission.listeners]]\naddress = "[0:0::1]:025"',
        "submission.listeners[1].address",
    ),
    "panel on a listener's address": ('[panel]\naddress = "127.0.0.1:2525"', "panel.address"),
    "subjects kept for longer than the record": (
        '[tracking]\nretention = "30d"\nsubject_retention = "31d"',
        "tracking.subject_retention",
    ),
    "a domain's record kept for longer than all": (
        '[[tracking.domains]]\ndomain = "example.com"\nretention = "61d"',
        "tracking.domains[0].retention",
    ),
    "a domain's replies kept for longer than its record": (
        '[[tracking.domains]]\ndomain = "example.com"\nretention = "9d"\nreply_retention = "10d"',
        "tracking.domains[0].reply_retention",
    ),
    "a domain with two sets of ages": (
        '[[tracking.domains]]\ndomain = "a.example"\n[[tracking.domains]]\ndomain = "A.example"',
        "tracking.domains[1].domain",
    ),
    "username without password": (f'{ROUTE}username = "relay"', "routes[0].password"),
    "password without username": (f'{ROUTE}password = "x"', "routes[0].username"),
    "password that can never be sent": (f'{ROUTE}{LOGIN}tls = "off"', "routes[0].tls"),
    "two routes for one domain": (ROUTE * 2, "routes[1].domain"),
    "lifetime below the first wait": ('[retry]\nlifetime = "4m59s"', "retry.lifetime"),
    "report lifetime below the first wait": (
        '[retry]\nreport_lifetime = "1m"',
        "retry.report_lifetime",
    ),
    "query longer than look-up": ('[dns]\nlifetime = "2s"', "dns.timeout"),
    "progress longer than the whole": (
        '[submission]\ndata_timeout = "1m"',
        "submission.data_progress_timeout",
    ),
    "more connections at first than at most": (
        "[delivery]\nconcurrency_max = 4",
        "delivery.concurrency_initial",
    ),
}

SOUND = {
    "starttls with the section's certificate": (
        f'{LISTENER}tls = "starttls"\n[submission]\ncertificate = "a.pem"'
    ),
    "implicit tls with its own certificate": (
        f'{LISTENER}tls = "implicit"\ncertificate = "a.pem"\nprivate_key = "a.key"'
    ),
    "auth without tls on a public address": (
        '[[submission.listeners]]\naddress = "0.0.0.0:587"\nauth = "required"'
    ),
    "PROXY protocol from a balancer": (
        f'{LISTENER}proxy_protocol = true\n[submission]\ntrusted_proxies = ["192.0.2.10"]'
    ),
    "balancers that are not used": '[submission]\ntrusted_proxies = ["192.0.2.10"]',
    "one port on two addresses": f"{LISTENER}{LISTENER.replace('127.0.0.1', '[::1]')}",
    "any free port twice": LISTENER.replace("2525", "0") * 2,
    "no listener": "[submission]\nlisteners = []",
    "login over verified tls": f'{ROUTE}{LOGIN}tls = "verified"',
    "login in clear text by the operator's word": (
        f'{ROUTE}{LOGIN}tls = "off"\nallow_cleartext_password = true'
    ),
    "lifetime equal to the first wait": '[retry]\nlifetime = "5m"',
    "a short schedule for a short lifetime": '[retry]\nlifetime = "1s"\nschedule = ["200ms"]',
    "query as long as look-up": '[dns]\nlifetime = "3s"',
}


@pytest.mark.parametrize("case", BROKEN)
def test_what_does_not_fit_is_a_problem(case: str, tmp_path: Path) -> None:
    text, key = BROKEN[case]
    assert keys_of(text, tmp_path) == [key]


@pytest.mark.parametrize("case", SOUND)
def test_what_fits_is_none(case: str, tmp_path: Path) -> None:
    assert keys_of(SOUND[case], tmp_path) == []


@pytest.mark.parametrize(
    ("text", "key"),
    [
        (f'{LISTENER}tls = "implicit"\ncertificate = 5', "submission.listeners[0].certificate"),
        (
            f'{LISTENER}tls = "implicit"\n[submission]\ncertificate = 5',
            "submission.certificate",
        ),
        (f'{ROUTE}username = "relay"\npassword = 5', "routes[0].password"),
        ('[retry]\nlifetime = "1m"\nschedule = ["1"]', "retry.schedule[0]"),
    ],
)
def test_a_condition_on_a_wrong_value_is_not_reported_too(
    text: str, key: str, tmp_path: Path
) -> None:
    assert keys_of(text, tmp_path) == [key]
